"""The owner of the file and its door, a socket beside it: open from the first moment to the last.

While the core is being opened (an old file is brought up to date, postal data are read), commands
are told to ask again, and a starting `serve` is told whether it gets the file.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.app import Core, Role, open_core
from gateway.app.config import LiveConfig
from gateway.errors import ConfigurationError
from gateway.http.control import control_application, yielding
from gateway.http.middleware import respond
from gateway.responses.bodies import problem
from gateway.store import socket_path
from gateway.wording import Text

if TYPE_CHECKING:
    from gateway.store.postgres import Lease

__all__ = ["STARTING", "control_site", "owning", "owning_leased", "starting"]

STARTING = "starting"
"""The problem type of that answer."""


@asynccontextmanager
async def owning(
    live: LiveConfig,
    role: Role,
    stopping: asyncio.Event,
    make_way: Callable[[], bool],
    *,
    seconds: float = 7.0,
) -> AsyncIterator[Core]:
    """The core and its door; the caller holds the lock. `make_way` as of `control_site`; the core
    is stopped within `seconds`.
    """
    path = live.current.gateway.database_path
    async with AsyncExitStack() as stack:
        async with _listening(_early_application(make_way), path):
            core = await stack.enter_async_context(open_core(live, role, seconds=seconds))
        await stack.enter_async_context(control_site(core, path, stopping, make_way))
        yield core


@asynccontextmanager
async def owning_leased(
    live: LiveConfig, role: Role, lease: "Lease", *, seconds: float = 7.0
) -> AsyncIterator[tuple[Core, Path]]:
    """Of a command that has the lease of a PostgreSQL: the core, and a path beside which its own
    door is; others of its kind wait for their turn.
    """
    with TemporaryDirectory(prefix="gateway-") as folder:
        path = Path(folder) / "command"
        async with (
            open_core(live, role, seconds=seconds, lease=lease) as core,
            control_site(core, path, lease.asked, lambda: True),
        ):
            yield core, path


def starting() -> web.Response:
    """To a command that came too early."""
    return respond(problem(503, STARTING, Text.english("The owner of the database is starting.")))


def _early_application(make_way: Callable[[], bool]) -> web.Application:
    async def too_early(request: web.Request) -> web.Response:  # noqa: ARG001
        return starting()

    app = web.Application()
    app.add_routes([yielding(make_way), web.route("*", "/{any:.*}", too_early)])
    return app


@asynccontextmanager
async def control_site(
    core: Core, path: Path, stopping: asyncio.Event, make_way: Callable[[], bool]
) -> AsyncIterator[None]:
    """The owner's door; `make_way()` says whether it gives the file to a starting `serve`."""
    async with _listening(control_application(core, stopping, make_way), path, seconds=8):
        try:
            yield
        finally:
            stopping.set()


@asynccontextmanager
async def _listening(
    application: web.Application, path: Path, seconds: float = 1.0
) -> AsyncIterator[None]:
    """On the socket beside the file, which only its own user may use. At the end, requests under
    way have so many seconds.
    """
    place = socket_path(path)
    with _bound(place) as bound:
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=seconds)
        await runner.setup()
        try:
            await web.SockSite(runner, bound).start()
            yield
        finally:
            await runner.cleanup()
            place.unlink(missing_ok=True)


def _bound(place: Path) -> socket.socket:
    """Makes a socket that no other user can ever reach, not even for a moment before a chmod."""
    bound = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o177)
    try:
        place.unlink(missing_ok=True)
        bound.bind(str(place))
    except OSError as error:
        bound.close()
        text = f"the socket {place.name} beside it cannot be made ({error.strerror}): remove it"
        raise ConfigurationError([f"GATEWAY_DATABASE_URL: {text}"]) from None
    finally:
        os.umask(mask)
    return bound
