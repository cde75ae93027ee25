#!/bin/sh
# What a worker finds ready: the bucket, the schema, the schedules. Safe to run again.
set -eu
python /deploy/bucket.py
atlas migrate
atlas schedules apply
