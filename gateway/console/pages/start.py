"""The first page: what works, what is open and why, what waits; and `try now`."""

from collections import Counter

from aiohttp import web

from gateway.app import Core
from gateway.app.hints import mend
from gateway.app.identity import SHOP
from gateway.console.pages.causes import shown_causes
from gateway.console.record import record
from gateway.console.rendering import render
from gateway.console.roles import Right
from gateway.console.visit import need
from gateway.errors import UpstreamError
from gateway.http.keys import CORE
from gateway.outcomes import Outcome, Waiting

__all__ = ["routes"]

routes = web.RouteTableDef()

_MOST_CAUSES = 5


@routes.get("")
@routes.get("/")
async def start(request: web.Request) -> web.StreamResponse:
    need(request, Right.LOOK)
    return await _page(request)


async def _page(request: web.Request, tried: dict[str, object] | None = None) -> web.Response:
    core = request.app[CORE]
    status = await core.overview.status()
    found = await core.overview.causes()
    failed = Counter[str]()
    for cause in found:
        failed[cause.channel] += cause.count if cause.outcome is Outcome.FAILED else 0
    day, fortnight = await core.history.read()
    values = {
        "status": status,
        "day": day,
        "fortnight": fortnight,
        "causes": shown_causes(found)[:_MOST_CAUSES],
        "more_causes": max(0, len(found) - _MOST_CAUSES),
        "open": sum(cause.count for cause in found),
        "failed": failed.total(),
        "failed_of": failed,
        "oldest": min((cause.oldest for cause in found), default=None),
        "alerts": list(reversed(core.alerts.last)),
        "tried": tried,
    }
    return render(request, "start.html", values)


@routes.post("/systems/{name}/try")
async def try_now(request: web.Request) -> web.StreamResponse:
    """Ask the system whether it works; if it does, what waited for it goes on."""
    need(request, Right.PROBE)
    core, name = request.app[CORE], request.match_info["name"]
    if name != SHOP and name not in core.deliverer.routes:
        raise web.HTTPNotFound
    await record(request, "probe", name)
    try:
        await _ask(core, name)
    except UpstreamError as error:
        text = mend(error, core.live.current)
        return await _page(request, {"system": name, "ok": False, "text": text})
    return await _page(request, {"system": name, "ok": True, "text": None})


async def _ask(core: Core, name: str) -> None:
    if name == SHOP:
        await core.shopify.check()
        core.runtime.listener.shopify_answered(None)
        await core.deliverer.wake(Waiting.SHOPIFY)
    else:
        route = core.deliverer.routes[name]
        await route.channel.check()
        if route.circuit.cause is not None:
            route.circuit.half_open()
        await core.deliverer.wake(Waiting.CHANNEL, name)
    core.worker.wake(None if name == SHOP else name)
