"""A part that lives but answers nothing is restarted; one that only takes long never is."""

from collections.abc import Callable

import psutil
import pytest

from atlas.stores.postgres.connection import DatabaseUnreachable, open_pool
from tests.embedded.conftest import Home, until
from tests.embedded.postgres_children import stop_the_recovery, until_it_serves


@pytest.fixture
def light(homes: Callable[..., Home], temporal_address: str) -> Home:
    return homes(external_temporal=temporal_address, look_seconds=0.5)


def refusals(home: Home) -> int:
    """How often PostgreSQL said that it takes no connection."""
    return (home.path / "logs" / "postgres.log").read_text().count("FATAL:  the database system")


async def test_a_postgresql_whose_recovery_was_killed_is_restarted(light: Home) -> None:
    assert await light.up() == 0
    await light.execute("create table kept as select 42 as answer")
    before = light.process("postgres")
    while "postgres hangs" not in light.said():  # it ends if the recovery had begun after all
        postmaster = light.process("postgres")
        (await stop_the_recovery(light)).kill()
        await until(lambda started=postmaster: light.process("postgres") != started)
        await until_it_serves(light.process("postgres").pid)
    assert not before.alive
    assert "postgres ended (killed by SIGKILL): starting it again" in light.said()
    assert await light.execute("select answer from kept") == 42


async def test_a_recovery_may_take_as_long_as_it_takes(light: Home) -> None:
    assert await light.up() == 0
    before = light.process("postgres")
    startup = await stop_the_recovery(light)
    seen = refusals(light)
    await until(lambda: refusals(light) > seen + 8)  # at six looks without an answer it is ended
    with pytest.raises(DatabaseUnreachable, match="continues by itself: see `atlas status`"):
        await open_pool(light.stack.database_url or "")
    startup.resume()
    await until_it_serves(before.pid)
    assert await light.execute("select 1") == 1
    assert light.process("postgres") == before
    assert "hangs" not in light.said()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["postgres", "temporal"])
async def test_a_server_that_answers_nothing_is_restarted(
    homes: Callable[..., Home], name: str
) -> None:
    home = homes(look_seconds=1.0)
    assert await home.up() == 0
    before = home.process(name)
    halt(before.pid)
    await until(lambda: f"{name} runs again" in home.said())
    assert f"{name} hangs" in home.said()
    assert not before.alive
    await until(home.ready)
    await home.temporal()


def halt(first: int) -> None:
    """SIGSTOP a process and what it started."""
    for each in [psutil.Process(first), *psutil.Process(first).children(recursive=True)]:
        each.suspend()
