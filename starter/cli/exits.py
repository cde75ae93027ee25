"""What the exit code of a command means; `docs/cli.md` lists them for people."""

DONE = 0
FAILED = 1
"""It was done and did not end well, or a bug of ours."""
USAGE = 2
"""An argument or a setting cannot be used."""
CANNOT_CONNECT = 3
STALE = 4
"""A source is later than it promised."""
TIMED_OUT = 5
"""The wait ended before the run did; the run goes on."""
DETACHED = 130
"""Ctrl-C; a run that was followed goes on."""
PIPE_CLOSED = 141
"""Whoever read our output closed it."""
