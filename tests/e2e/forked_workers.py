"""Workers in processes of their own that begin in no time (see `tests/e2e/forks.py`)."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from tests.e2e import zygotes
from tests.e2e.forks import Forked, ForkServer, fork, forked

WORKERS = ForkServer("tests.e2e.forked_workers")


def forked_worker(
    environment: Mapping[str, str], log: BinaryIO, queues: Sequence[str] = ()
) -> Forked:
    """A worker for these queues (all, if none is named) that writes its log there."""
    request = {
        "environment": dict(environment),
        "queues": list(queues),
        "zygotes": zygotes.address(),
    }
    return fork(WORKERS.address(os.environ), request, log.fileno())


def _become(environment: dict[str, str], log: int) -> None:
    """Make a fork what a new process would be."""
    os.dup2(log, sys.stderr.fileno())
    os.close(log)
    os.environ.clear()
    os.environ.update(environment)


if __name__ == "__main__":
    import worker
    from tests.e2e.patient_worker import be_patient
    from tests.known_types import keep_known_types

    be_patient()
    keep_known_types()
    request, log = forked()
    _become(request["environment"], log)
    zygotes.fork_zygotes(request["zygotes"])
    sys.exit(worker.main(request["queues"]))
