#!/bin/sh
# The server reads its password only from the environment, so it is set for this process alone.
set -eu
POSTGRES_PWD=$(cat /run/secrets/database_password)
export POSTGRES_PWD
exec /etc/temporal/entrypoint.sh
