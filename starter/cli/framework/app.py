"""The argument parser over the table of commands, and the exit code of each error."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter

from starter.cli import COMMANDS, program
from starter.cli.framework.exit_codes import (
    CANNOT_CONNECT,
    DETACHED,
    DONE,
    FAILED,
    PIPE_CLOSED,
    TIMED_OUT,
    USAGE,
)
from starter.cli.framework.help import asked_for, print_page
from starter.cli.framework.output import note


def build() -> App:
    """The parser with every command; none is imported yet."""
    app = App(
        name="atlas",
        version_flags=[],
        suppress_keyboard_interrupt=False,
        default_parameter=Parameter(negative=()),  # no --no-wait, no --empty-include
    )
    for name, path, _ in COMMANDS:
        app.command(f"starter.cli.commands.{path}", name=name)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command and report an error in one line; returns the exit code."""
    try:
        result = _answer(build(), arguments)
    except CycloptsError as error:
        note(f"atlas: {error}")
        note(f"See `{_help_for(arguments)}`.")
        return USAGE
    except KeyboardInterrupt:
        return DETACHED
    except BrokenPipeError:
        # The reader closed the pipe, as `head` does. Python would fail to flush stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except Exception as error:
        return _report(error)
    return result if isinstance(result, int) else DONE


def _answer(app: App, arguments: Sequence[str]) -> object:
    if asked_for(arguments):
        print_page(app, arguments, program())
        return None
    return app(arguments, exit_on_error=False, print_error=False, result_action="return_value")


def _report(error: Exception) -> int:
    """Report an error: a user's mistake by its message, a bug with a hint to its traceback."""
    from atlas.embedded.errors import EmbeddedError
    from atlas.settings import SettingsError
    from starter.errors import AtlasError, CannotConnect, InvalidRequest, TimedOut

    if os.environ.get("ATLAS_DEBUG"):
        import traceback

        traceback.print_exception(error)
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or isinstance(error, AtlasError | EmbeddedError | SettingsError):
        note(f"atlas: {error}")
    else:
        note(f"atlas: {type(error).__name__}: {error}")
        note("This is a bug in Atlas. Run it again with ATLAS_DEBUG=1 to see the traceback.")
    if isinstance(error, CannotConnect):
        return CANNOT_CONNECT
    if isinstance(error, TimedOut):
        return TIMED_OUT
    return USAGE if isinstance(error, InvalidRequest | SettingsError) else FAILED


def _help_for(arguments: Sequence[str]) -> str:
    chain, _, _ = build().parse_commands(list(arguments))
    return " ".join([program(), *chain, "--help"])
