"""HTTP: what may be dialled, how pages are asked for, and what is made of their answers."""

import sys

# httpx imports its own command line where rich, click and pygments are installed, as they are here
# for other reasons: 5 MB and an eighth of a worker's start, for a program that nobody runs. Where
# they are not, it does without; with None here, importing `httpx._main` fails as if they were not.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
