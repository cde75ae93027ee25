#!/bin/sh
# Prepares what a worker needs: the bucket, the schema, the schedules. Safe to run again.
set -eu
case "$ATLAS_BLOBS" in s3://*) python "${0%/*}/bucket.py" ;; esac
atlas migrate
atlas schedules apply
