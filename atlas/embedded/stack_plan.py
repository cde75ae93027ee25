"""What a home's stack consists of, and the parts built from that."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from atlas.embedded.components import WorkerProcess
from atlas.embedded.ports import is_free, next_free
from atlas.embedded.postgres import Postgres
from atlas.embedded.postgres_binaries import find_installation
from atlas.embedded.stack_record import Stack
from atlas.embedded.temporal import TemporalServer, find_temporal
from atlas.embedded.temporal_access import NAMESPACE
from atlas.embedded.unprivileged import not_enclosable

PREFERRED_PORTS: Mapping[str, int] = {"temporal": 7233, "ui": 8233, "http": 7243}


@dataclass(frozen=True)
class Plan:
    """Which parts run here. An external database or Temporal replaces the embedded one.

    `external_database` is not the URL: a plan is passed on a command line, and a URL holds a
    password. The worker reads it from the environment, like everyone else. With `schedules` it also
    applies Atlas's schedules. Every `look_seconds` the parts are asked for an answer.
    """

    home: Path
    worker: list[str]
    external_database: bool = False
    external_temporal: str | None = None
    namespace: str = NAMESPACE
    worker_announces: bool = True
    worker_grace: float = 45.0
    schedules: bool = True
    look_seconds: float = 10.0
    postgres_settings: dict[str, str] = field(default_factory=dict)
    preferred_ports: dict[str, int] = field(default_factory=lambda: dict(PREFERRED_PORTS))

    def to_json(self) -> str:
        """The plan as one argument of a command line."""
        return json.dumps({**asdict(self), "home": str(self.home)})

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        """A plan from `to_json`."""
        content = json.loads(text)
        return cls(**{**content, "home": Path(content["home"])})


@dataclass
class StackParts:
    """The parts of one stack; None where an external one is used."""

    postgres: Postgres | None
    temporal: TemporalServer | None
    worker: WorkerProcess


def build(plan: Plan, worker_hangs: Callable[[int], bool]) -> StackParts:
    """The parts of a plan, Temporal's ports not chosen yet.

    Raises:
        EmbeddedError: a program is missing.
    """
    postgres = None
    if not plan.external_database:
        postgres = Postgres(
            plan.home / "postgres", find_installation(), overrides=plan.postgres_settings
        )
    temporal = None
    if plan.external_temporal is None:
        folder = plan.home / "temporal"
        temporal = TemporalServer(
            *(folder, find_temporal(), 0, 0, 0),
            namespace=plan.namespace,
            enclosed=not_enclosable() is None,
        )
    worker = WorkerProcess(
        argv=plan.worker,
        ready_file=plan.home / "worker.ready",
        connections=lambda: connections(postgres, temporal),
        hangs=worker_hangs,
        announces=plan.worker_announces,
        schedules=plan.schedules,
        stop_seconds=plan.worker_grace,
    )
    return StackParts(postgres, temporal, worker)


def connections(postgres: Postgres | None, temporal: TemporalServer | None) -> dict[str, str]:
    """The variables with the addresses of the embedded parts; external ones are set already."""
    found: dict[str, str] = {}
    if postgres is not None:
        found["ATLAS_DATABASE_URL"] = postgres.url()
    if temporal is not None:
        found["TEMPORAL_ADDRESS"] = temporal.address
        found["ATLAS_WEB_UI_URL"] = temporal.ui_url
        if temporal.access is not None:
            found |= temporal.access.variables()
    return found


def choose_ports(preferred: Mapping[str, int], stack: Stack) -> list[str]:
    """Set `stack.ports` to free ports; a message about each port that was in use.

    The ports used last time come first, so that printed links keep working.
    """
    said: list[str] = []
    chosen: dict[str, int] = {}
    for name, wanted in preferred.items():
        first = stack.ports.get(name, wanted)
        if not is_free(first) or first in chosen.values():
            said.append(f"port {first} ({name}) is taken")
        chosen[name] = next_free(first, set(chosen.values()))
        if chosen[name] != first:
            said[-1] += f": using {chosen[name]}"
    stack.ports = chosen
    return said
