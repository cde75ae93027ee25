#!/bin/sh
# Makes what the services know each other by: random, once, each in a volume that only those who
# need it mount. What is there stays; what was removed is made anew (docs/deploy.md, "Secrets").
set -eu
umask 022

random() { od -An -v -tx1 -N24 /dev/urandom | tr -d ' \n'; }

# Whoever mounts a volume may read it, under whatever user its image runs: hence 444.
write() { # FILE CONTENT: whole or not at all
  rm -f "/secrets/$1.new" # of a try that was cut off: not even root may write to it here
  printf '%s' "$2" >"/secrets/$1.new"
  chmod 444 "/secrets/$1.new"
  mv "/secrets/$1.new" "/secrets/$1"
}

for each in postgres/superuser_password temporal/database_password \
  atlas/database_password atlas/s3_access_key atlas/s3_secret_key grafana/admin_password; do
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

# SeaweedFS takes its users from a file: one, who may do everything in the bucket and nothing else.
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
