#!/bin/sh
# The server reads its password only from the environment, so it is set for this process alone.
set -eu
POSTGRES_PWD=$(cat /run/secrets/database_password)
export POSTGRES_PWD
# Only where the gate is. Its parts share this address; nobody else has a way to it.
BIND_ON_IP=$(getent hosts temporal-server | awk '{print $1; exit}')
PROMETHEUS_ENDPOINT=$BIND_ON_IP:9090
export BIND_ON_IP PROMETHEUS_ENDPOINT
exec /etc/temporal/entrypoint.sh
