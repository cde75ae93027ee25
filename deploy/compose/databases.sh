#!/bin/sh
# Databases and their owners: Atlas cannot read Temporal's, or vice versa. Safe to run again; it also
# sets each owner's password to the current content of its file.
set -eu
PGPASSWORD=$(cat /secrets/postgres/superuser_password)
export PGPASSWORD PGHOST=postgres PGUSER=postgres PGDATABASE=postgres

owned() { # ROLE PASSWORD_FILE DATABASE…
  role=$1 password=$(cat "$2")
  shift 2
  psql -qX -v ON_ERROR_STOP=1 -v role="$role" -v password="$password" <<'END'
select format('create role %I', :'role') where not exists (select from pg_roles where rolname = :'role') \gexec
alter role :"role" login nosuperuser nocreatedb nocreaterole password :'password';
END
  for database; do
    psql -qX -v ON_ERROR_STOP=1 -v role="$role" -v database="$database" <<'END'
select format('create database %I owner %I', :'database', :'role')
where not exists (select from pg_database where datname = :'database') \gexec
revoke connect, temporary on database :"database" from public;
END
    echo "$database belongs to $role"
  done
}

psql -qX -v ON_ERROR_STOP=1 -c 'revoke connect, temporary on database postgres, template1 from public'
owned atlas /secrets/atlas/database_password atlas
owned temporal /secrets/temporal/database_password temporal temporal_visibility
