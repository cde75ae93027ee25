#!/bin/sh
# The server takes its password from the environment only: of this one process, then.
set -eu
POSTGRES_PWD=$(cat /run/secrets/database_password)
export POSTGRES_PWD
exec /etc/temporal/entrypoint.sh
