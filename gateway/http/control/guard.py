"""What a command may not do to a system that is another one than before."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.app import Core
from gateway.app.identity import SHOP
from gateway.errors import CommandRefused
from gateway.http.keys import CORE
from gateway.http.middleware import respond
from gateway.responses.bodies import problem
from gateway.wording import Text

__all__ = ["guarded", "require_known"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_WRITING = {
    "/control/replay": (SHOP,),
    "/control/backfill": (SHOP,),
    "/control/members/refresh": ("smaregi",),
    "/control/removals/confirm": (SHOP,),
    "/control/points/backfill": (SHOP, "smaregi"),
}
"""By path: the systems that must be the same as before, besides the channels asked for."""


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A refusal is 409, and the command's exit code 2."""
    systems: tuple[str, ...] = _WRITING.get(request.path, ())
    if request.path.startswith("/control/duplicates/") and request.method == "POST":
        systems = () if request.path.endswith("/reject") else (SHOP, "smaregi")
    try:
        await require_known(request.app[CORE], *systems)
        return await handler(request)
    except CommandRefused as refused:
        return respond(problem(409, "refused", Text.english(str(refused))))


async def require_known(core: Core, *systems: str) -> None:
    """Refuses if one of them is another one than before."""
    for difference in await core.identities.compare_all(systems):
        raise CommandRefused(f"Nothing was done: {difference.reason}.")
