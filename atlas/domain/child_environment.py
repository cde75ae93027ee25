"""What a child process may know of our environment: the variables listed here, and no others.

Anything may be a secret whatever its name is: credentials are read from variables that people name.
So this is a list of what programs need, not of what must be kept from them.
"""

from collections.abc import Mapping

ALLOWED = frozenset(
    {
        # Who and where.
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TEMP", "TMP"),
        # Language and time.
        *("LANG", "LANGUAGE", "LC_ALL", "LC_COLLATE", "LC_CTYPE", "LC_MESSAGES", "LC_MONETARY"),
        *("LC_NUMERIC", "LC_TIME", "TZ", "TZDIR"),
        # Where shared libraries are: an interpreter may not start without it.
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
        # The interpreter's own.
        *("PYTHONHOME", "PYTHONPATH", "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONNOUSERSITE"),
        *("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONHASHSEED", "PYTHONWARNINGS"),
        *("PYTHONMALLOC", "MALLOC_ARENA_MAX"),
        # The Go runtime's limits, for the Temporal server.
        *("GOMAXPROCS", "GOMEMLIMIT", "GOGC"),
    }
)


def allowed(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of `environ` that every program may have."""
    return {name: value for name, value in environ.items() if name in ALLOWED}
