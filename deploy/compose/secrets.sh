#!/bin/sh
# Makes what the services know each other by: random, once, each in a volume that only those who
# need it mount. What is there stays; what was removed is made anew (docs/deploy.md, "Secrets").
set -eu
umask 022

random() { od -An -v -tx1 -N24 /dev/urandom | tr -d ' \n'; }

write() { # FILE: takes standard input; whole or not at all
  cat >"/secrets/$1.new"
  chmod 444 "/secrets/$1.new"
  mv "/secrets/$1.new" "/secrets/$1"
}

for each in postgres/superuser_password temporal/database_password \
  atlas/database_password atlas/s3_access_key atlas/s3_secret_key grafana/admin_password; do
  if [ -s "/secrets/$each" ]; then echo "kept $each"; else random | write "$each" && echo "made $each"; fi
done

# SeaweedFS takes its users from a file: one, who may do everything in the bucket and nothing else.
write seaweedfs/s3.json <<END
{
  "identities": [
    {
      "name": "atlas",
      "actions": ["Admin:atlas", "Read:atlas", "Write:atlas", "List:atlas", "Tagging:atlas"],
      "credentials": [
        {"accessKey": "$(cat /secrets/atlas/s3_access_key)", "secretKey": "$(cat /secrets/atlas/s3_secret_key)"}
      ]
    }
  ]
}
END
