#!/bin/sh
# Generates the secrets by which services authenticate: random, once, each in a volume that only the
# services that need it mount. Existing ones are kept, removed ones generated again (docs/deploy.md,
# "Secrets").
set -eu
umask 022

random() { od -An -v -tx1 -N24 /dev/urandom | tr -d ' \n'; }

# Any service that mounts a volume may read it, whatever user its image runs as: hence 444.
write() { # FILE CONTENT: whole or not at all
  rm -f "/secrets/$1.new" # left by an interrupted run: without capabilities, not even root may write to it
  printf '%s' "$2" >"/secrets/$1.new"
  chmod 444 "/secrets/$1.new"
  mv "/secrets/$1.new" "/secrets/$1"
}

for each in postgres/superuser_password temporal/database_password \
  atlas/database_password atlas/s3_access_key atlas/s3_secret_key gate/password grafana/admin_password; do
  if [ -s "/secrets/$each" ]; then
    echo "kept $each"
    continue
  fi
  made=$(random)
  [ ${#made} -eq 48 ] || { echo "no random bytes for $each" >&2; exit 1; }
  write "$each" "$made"
  echo "made $each"
done

python "${0%/*}/certificate.py" /secrets/seaweedfs
python -I -m atlas.embedded.certificates /secrets/gate 444

# SeaweedFS reads its users from a file: one, with all rights on the bucket and no others.
access=$(cat /secrets/atlas/s3_access_key)
secret=$(cat /secrets/atlas/s3_secret_key)
write seaweedfs/s3.json "$(cat <<END
{
  "identities": [
    {
      "name": "atlas",
      "actions": ["Admin:atlas", "Read:atlas", "Write:atlas", "List:atlas", "Tagging:atlas"],
      "credentials": [
        {"accessKey": "$access", "secretKey": "$secret"}
      ]
    }
  ]
}
END
)"
