#!/bin/sh
# Updates Temporal's two schemas to what this version of the server expects. Safe to run again.
set -eu
SQL_PASSWORD=$(cat /run/secrets/database_password)
export SQL_PASSWORD

for part in temporal visibility; do
  SQL_DATABASE=temporal
  [ "$part" = temporal ] || SQL_DATABASE=temporal_visibility
  export SQL_DATABASE
  temporal-sql-tool setup-schema -v 0.0
  temporal-sql-tool update-schema -d "/etc/temporal/schema/postgresql/v12/$part/versioned"
done
