"""`python -m starter.cli` is `atlas`."""

from starter.cli import entry

entry()
