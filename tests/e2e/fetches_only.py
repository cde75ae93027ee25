"""A worker process without the processing queue: what it fetches waits to be processed."""

import sys

import worker
from atlas.contracts.names import QUEUE

sys.exit(worker.main([QUEUE]))
