"""What the exit code of a command means."""

DONE = 0
FAILED = 1
USAGE = 2
CANNOT_CONNECT = 3
STALE = 4
TIMED_OUT = 5
DETACHED = 130
PIPE_CLOSED = 141

MEANINGS = {
    DONE: "done; pages that failed are no failure of their run",
    FAILED: "it was done and did not end well, or came to nothing (every page failed, nothing was "
    "selected, a paused source), or there is no such thing; also a bug of Atlas",
    USAGE: "an argument or a setting cannot be used; the message names it, its value and the mend",
    CANNOT_CONNECT: "a part (PostgreSQL, Temporal, the blob store) does not answer",
    STALE: "a source is later than it promised",
    TIMED_OUT: "the wait ended before the run did; the run goes on",
    DETACHED: "Ctrl-C; a run that was followed goes on",
    PIPE_CLOSED: "whoever read the output closed it, as `head` does",
}
"""In words, for `docs/cli.md`."""
