"""Flags, read only: they belong to the environment, and the page says which line to write."""

from typing import Any

from aiohttp import web

from flags import Flag
from gateway.console.rendering import render
from gateway.console.roles import Right
from gateway.console.visit import DESK, need
from gateway.http.keys import CORE
from gateway.outcomes import Outcome

__all__ = ["routes"]

routes = web.RouteTableDef()

_PREFIX = "FLAG_"


@routes.get("/flags")
async def show(request: web.Request) -> web.StreamResponse:
    need(request, Right.FLAGS)
    core = request.app[CORE]
    held: dict[str, int] = {}
    for cause in await core.overview.causes():
        if cause.outcome is Outcome.HELD:
            held[cause.channel] = held.get(cause.channel, 0) + cause.count
    config = core.live.current
    rows = [_row(flag, held, request.app[DESK].flags.since(name))
            for name, flag in config.flags.flags.items()]  # fmt: skip
    return render(request, "flags.html", {"flags": rows, "warnings": config.warnings})


def _row(flag: Flag, held: dict[str, int], since: float) -> dict[str, Any]:
    channel = flag.name.removeprefix(_PREFIX).lower()
    waiting = held.get(channel, 0)
    return {
        **flag.describe(),
        "since": since,
        "held": waiting,
        "is_split": flag.percent is not None,
    }
