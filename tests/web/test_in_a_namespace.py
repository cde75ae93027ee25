"""No route leads to a forbidden address, as the kernel sees it: in a network namespace in which
only such addresses can be reached, with something listening at each."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.web.namespaced_routes import UNREACHABLE
from tests.web.reach import FORBIDDEN_V4, FORBIDDEN_V6
from tests.web.test_every_route import EXPECTED, ROUTES_AND_SENDERS

ROOT = Path(__file__).parents[2]
ENCLOSED = ("unshare", "--map-root-user", "--net")


@cache
def why_not() -> str | None:
    """Why there are no network namespaces here; None: there are."""
    missing = [tool for tool in ("unshare", "ip") if shutil.which(tool) is None]
    if missing:
        return f"this machine has no {' and no '.join(missing)}"
    tried = subprocess.run(
        (*ENCLOSED, "ip", "link", "set", "lo", "up"), capture_output=True, text=True
    )
    return tried.stderr.strip() or None if tried.returncode else None


@pytest.mark.parametrize(
    "step", [pytest.param(1, marks=pytest.mark.slow, id="all-spellings"), pytest.param(40)]
)
def test_no_packet_asks_a_forbidden_address_for_a_connection(step: int) -> None:
    reason = why_not()
    if reason:
        pytest.skip(f"no network namespace can be made: {reason}")
    ran = subprocess.run(
        (*ENCLOSED, sys.executable, "-m", "tests.web.namespaced_routes", str(step)),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    seen = json.loads(ran.stdout.splitlines()[-1])
    assert set(seen.pop("answered")) >= {*FORBIDDEN_V4, *FORBIDDEN_V6} - UNREACHABLE
    assert seen.pop("after") == ["10.9.8.7 81"], "what is counted can be seen"
    assert seen.pop("lost") == 0
    assert seen.keys() == {route.__name__ for route in ROUTES_AND_SENDERS}
    assert {route: found["stray"] for route, found in seen.items() if found["stray"]} == {}
    # The public site was asked, on a connection that routes share, so they went as far as they can.
    assert seen["by_redirect"]["asked"] and seen["by_robots"]["asked"]
    assert all(set(found["codes"]) <= EXPECTED for found in seen.values())
