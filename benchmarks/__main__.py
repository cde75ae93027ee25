"""`python -m benchmarks [NAME...]`: run all, or those named."""

import importlib
import pkgutil
import sys

import benchmarks


def names() -> list[str]:
    """The modules of this folder that may be run."""
    found = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return sorted(name for name in found if not name.startswith("_"))


def run(name: str) -> None:
    """Run one benchmark under a heading; a module without `main()` is a part of another."""
    main = getattr(importlib.import_module(f"benchmarks.{name}"), "main", None)
    if main is not None:
        print(f"== {name}", flush=True)
        main()


def main() -> int:
    """Run what the command line names, or everything; 2 when a name is unknown."""
    wanted = sys.argv[1:] or names()
    if unknown := [name for name in wanted if name not in names()]:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(names())}", file=sys.stderr)
        return 2
    for name in wanted:
        run(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
