"""The connection pool, and asyncpg's errors in our words.

A connection may vanish without being closed: a firewall drops it, a machine dies. Neither side then
hears from the other, and the session's locks would be held for hours. Each side notices by itself
within half a minute: the server ends an idle transaction, both probe a silent peer, and every
statement has a time-out.

PgBouncer in transaction mode keeps a session for one transaction only. It refuses most startup
parameters, and a statement prepared on one server connection is unknown to the next. Session
settings are then sent with each transaction, and nothing is prepared.
"""

from __future__ import annotations

import asyncio
import functools
import random
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeAlias, TypeVar
from urllib.parse import parse_qsl, urlsplit

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from asyncpg.transaction import Transaction

Connection: TypeAlias = asyncpg.Connection | PoolConnectionProxy
"""One connection, of the pool or not."""

_P = ParamSpec("_P")
_T = TypeVar("_T")

LOST = (
    OSError,  # a time-out, too
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a statement met the server's goodbye on an idle connection
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
)
"""Raised while the database is unreachable, restarts or has no connection left: it may return."""

_RESTARTING = (
    asyncpg.CannotConnectNowError,  # also while it recovers from the crash of a session
    asyncpg.CrashShutdownError,
    asyncpg.AdminShutdownError,
)
_START = "Start the embedded stack with `atlas up -d`, or set ATLAS_DATABASE_URL."

_SILENCE = {"idle": 10, "interval": 5, "count": 3}
"""Seconds without a word after which a peer is probed; between probes; probes without an answer."""
_UNACKNOWLEDGED = 25
"""Seconds that sent bytes may go unacknowledged."""
_IDLE = "30s"
"""How long a transaction may wait for its client."""
_LEISURE = "10min"
"""The same where the client waits for a person: a list read in a pager locks nothing."""
_TCP = {f"tcp_keepalives_{name}": str(number) for name, number in _SILENCE.items()}
_DIRECT = {"jit": "off", **_TCP, "tcp_user_timeout": f"{_UNACKNOWLEDGED}s"}
_IDLING = "idle_in_transaction_session_timeout"

_STATEMENT = 120.0
"""Seconds that a statement may take, unless its caller says otherwise."""
_BEGINNING = 20.0
"""The same for BEGIN: a pooled connection that vanished is noticed here."""
_CANCELLING = 20.0
"""Seconds after which a connection that does not confirm a cancellation is closed."""
_SPARE = 60.0
"""Seconds after which a pooled connection that nobody needed is closed: PostgreSQL keeps 5 to 10 MB
for each, and a new one takes some milliseconds. The pool hands out the one used last, so what a
burst of work opened goes, and one or two stay."""
_STATEMENTS_KEPT = 100
"""Prepared statements of a connection."""
_patience: ContextVar[float] = ContextVar("patience", default=_STATEMENT)


class DatabaseUnreachable(Exception):
    """PostgreSQL does not answer; the message says where and what to do. `passing`: it may answer
    again without any intervention."""

    def __init__(self, message: str, *, passing: bool = True) -> None:
        super().__init__(message)
        self.passing = passing


def shown(database_url: str) -> str:
    """The address without user and password, which may stand in the query as well.

    Nothing of it where an @ stands behind the host's place: then a character of the password was
    not encoded, and what seems to be host and path is its beginning.
    """
    parts = urlsplit(database_url)
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":
        return "an address whose password is not encoded (write / # ? and @ as %2F %23 %3F and %40)"
    given = dict(parse_qsl(parts.query))
    hosts = parts.netloc.rpartition("@")[2] or given.get("host", "socket")
    port = "" if ":" in hosts else f":{given.get('port', '5432')}"
    return f"{hosts}{port}{parts.path}"


def why_lost(where: str, error: BaseException) -> str:
    """One of `LOST` in words, with what to do; `where` is the address without credentials."""
    return f"{no_answer(where, error)}. {running_remedy(error) or _START}"


def no_answer(where: str, error: BaseException) -> str:
    """What happened, without what to do."""
    return f"PostgreSQL does not answer at {where}: {error or type(error).__name__}"


def running_remedy(error: BaseException) -> str | None:
    """What to do where the server runs, so that starting it would not help; None: it may not."""
    if isinstance(error, _RESTARTING):
        return "It is restarting or recovering and continues by itself: see `atlas status`."
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return "Raise its max_connections, or lower ATLAS_WORKER_CONNECTIONS."
    return None


class _OnPool(Protocol):
    @property
    def pool(self) -> asyncpg.Pool: ...


class on_pool(Generic[_P, _T]):
    """The function as a method of a service: each call takes a connection of the service's pool."""

    def __init__(self, function: Callable[Concatenate[Connection, _P], Awaitable[_T]]) -> None:
        self._function = function

    def __get__(
        self, service: _OnPool, kind: type[_OnPool]
    ) -> Callable[_P, Coroutine[Any, Any, _T]]:
        async def call(*args: _P.args, **named: _P.kwargs) -> _T:
            async with service.pool.acquire() as connection:
                return await self._function(connection, *args, **named)

        return call


@contextmanager
def statements_within(seconds: float) -> Iterator[None]:
    """The time-out of each statement in the block, on any connection."""
    token = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(token)


class UnmaskedTransaction(Transaction):
    """Raises what ended its block, even if the connection is lost as well.

    asyncpg raises that it cannot roll back instead, in place of a cancellation too: a loop that
    tries again after every error would go on for ever, and a worker that waits for it never end.
    """

    async def __aexit__(self, kind: Any, error: object, trace: Any) -> None:
        try:
            await super().__aexit__(kind, error, trace)
        except LOST:
            if error is None:  # it was to be committed
                raise


class PatientConnection(asyncpg.Connection):
    """Has a time-out for each statement, and notices a peer that fell silent."""

    def __init__(self, protocol: Any, transport: Any, *rest: Any) -> None:
        super().__init__(protocol, transport, *rest)
        _probe_silence(transport.get_extra_info("socket"))

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        if query.startswith("BEGIN"):
            timeout = timeout or min(_BEGINNING, _patience.get())
        return await super().execute(query, *args, timeout=timeout or _patience.get())

    def transaction(self, **options: Any) -> UnmaskedTransaction:
        asked = {"isolation": None, "readonly": False, "deferrable": False} | options
        return UnmaskedTransaction(self, **asked)

    def cursor(self, query: str, *args: Any, timeout: float | None = None, **named: Any) -> Any:
        return super().cursor(query, *args, timeout=timeout or _patience.get(), **named)


class TellingConnection(PatientConnection):
    """Sends the session's settings with each transaction, in the same message as its BEGIN."""

    idle = _IDLE

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        if query.startswith("BEGIN"):
            query += f" set local jit = off; set local {_IDLING} = '{self.idle}'"
        return await super().execute(query, *args, timeout=timeout)


class LeisurelyConnection(TellingConnection):
    """The same, with time for a person to read."""

    idle = _LEISURE


def _patient(name: str) -> Callable[..., Awaitable[Any]]:
    """The method of asyncpg, with our time-out where none is given."""

    @functools.wraps(getattr(asyncpg.Connection, name))
    async def within(self: Any, *args: Any, timeout: float | None = None, **named: Any) -> Any:
        method = getattr(asyncpg.Connection, name)  # telemetry replaces it
        return await method(self, *args, timeout=timeout or _patience.get(), **named)

    return within


for _name in ("executemany", "fetch", "fetchrow", "fetchval", "copy_records_to_table"):
    setattr(PatientConnection, _name, _patient(_name))


def _probe_silence(peer: socket.socket | None) -> None:
    if peer is None or peer.family not in (socket.AF_INET, socket.AF_INET6):
        return
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", _SILENCE["idle"]),
        ("TCP_KEEPALIVE", _SILENCE["idle"]),  # what macOS calls it
        ("TCP_KEEPINTVL", _SILENCE["interval"]),
        ("TCP_KEEPCNT", _SILENCE["count"]),
        ("TCP_USER_TIMEOUT", 1000 * _UNACKNOWLEDGED),
    ):
        if hasattr(socket, option):
            peer.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


async def keep_session(connection: object) -> None:
    """No store changes session state (settings are `set local`), so that a returned connection
    needs no RESET ALL: one round trip less each time. An open transaction is rolled back before.
    """


async def connect_once(
    database_url: str, *, name: str = "atlas", timeout: float = 30, wait: float = 0.0
) -> asyncpg.Connection:
    """A connection outside any pool, behind PgBouncer too. Raises what asyncpg does."""
    return await _connect(
        wait,
        database_url,
        timeout=timeout,
        command_timeout=_CANCELLING,
        statement_cache_size=0,
        connection_class=TellingConnection,
        server_settings={"application_name": name},
    )


async def open_pool(
    database_url: str,
    *,
    size: int = 10,
    minimum: int = 1,
    wait: float = 0.0,
    leisurely: bool = False,
) -> asyncpg.Pool:
    """Connect; raises `DatabaseUnreachable`. Where the server has no room for another connection,
    one is waited for up to `wait` seconds, now and whenever the pool grows. `leisurely`: a
    transaction may wait for a person."""
    name, idle = ("atlas-client", _LEISURE) if leisurely else ("atlas", _IDLE)
    through_pooler = LeisurelyConnection if leisurely else TellingConnection
    with answering(database_url):
        pooled = await _is_pooled(database_url, wait)
        pool: asyncpg.Pool = await asyncpg.create_pool(
            database_url,
            connect=functools.partial(_connect, wait),
            min_size=minimum,
            max_size=size,
            command_timeout=_CANCELLING,
            max_inactive_connection_lifetime=_SPARE,
            reset=keep_session,
            connection_class=through_pooler if pooled else PatientConnection,
            server_settings={"application_name": name}
            | ({} if pooled else _DIRECT | {_IDLING: idle}),
            statement_cache_size=0 if pooled else _STATEMENTS_KEPT,
        )
        return pool


async def _is_pooled(database_url: str, wait: float) -> bool:
    """Whether a pooler such as PgBouncer is in between: it gives each client a key of its own,
    while PostgreSQL's key begins with the id of the process that serves it."""
    connection = await connect_once(database_url, wait=wait)
    try:
        serving = await connection.fetchval("select pg_backend_pid()")
        return bool(serving != connection.get_server_pid())
    finally:
        await connection.close()


async def _connect(wait: float, *args: Any, **named: Any) -> asyncpg.Connection:
    deadline = asyncio.get_running_loop().time() + wait
    pause = 0.1
    while True:
        try:
            return await asyncpg.connect(*args, **named)
        except asyncpg.TooManyConnectionsError:
            if asyncio.get_running_loop().time() + pause > deadline:
                raise
        await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 (no secret)
        pause = min(2 * pause, 2.0)


@contextmanager
def answering(database_url: str) -> Iterator[None]:
    """Raise what keeps PostgreSQL from answering as `DatabaseUnreachable`."""
    try:
        yield
    except LOST as error:
        raise DatabaseUnreachable(why_lost(shown(database_url), error)) from None
    except asyncpg.PostgresError as error:
        raise DatabaseUnreachable(
            f"PostgreSQL at {shown(database_url)} refused: {error}. "
            "Correct ATLAS_DATABASE_URL, or what its role may do.",
            passing=False,
        ) from None
