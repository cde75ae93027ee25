"""The exit codes of commands."""

DONE = 0
FAILED = 1
USAGE = 2
CANNOT_CONNECT = 3
STALE = 4
TIMED_OUT = 5
CHANGES = 6
DETACHED = 130
PIPE_CLOSED = 141

MEANINGS = {
    DONE: "done; a run succeeds even if some of its pages failed",
    FAILED: "it failed or achieved nothing (every page failed, nothing was selected, the source is "
    "paused), or what was named does not exist; also a bug in Atlas",
    USAGE: "an argument or a setting is invalid; the message names it, its value and the fix",
    CANNOT_CONNECT: "a part (PostgreSQL, Temporal, the blob store) does not answer",
    STALE: "a source is stale, or misses its freshness objective",
    TIMED_OUT: "--timeout expired; the run continues",
    CHANGES: "`atlas plan` found something to change; `atlas apply` would do it",
    DETACHED: "Ctrl-C; a run that was being followed continues",
    PIPE_CLOSED: "the reader of the output closed the pipe, as `head` does",
}
"""For `docs/cli.md`."""
