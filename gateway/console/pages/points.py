"""Points earned and spent online: what is stuck or lacking, and what Smaregi has otherwise."""

import re
import sqlite3
from contextlib import suppress
from typing import Any

from aiohttp import web

from gateway.console.language import N_
from gateway.console.record import record
from gateway.console.rendering import render, see_other
from gateway.console.roles import Right
from gateway.console.visit import need
from gateway.errors import CommandRefused
from gateway.http.keys import CORE
from gateway.store.points import drift, movements, orders, reservations

__all__ = ["routes"]

routes = web.RouteTableDef()

_MOST = 200
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_WHAT_TO_DO = N_(
    "Look for its number (レシート番号) in the member's point history in Smaregi, put right what "
    "is wrong, and say here whether it is there. Until then this member's points wait."
)


@routes.get("/points")
async def show(request: web.Request) -> web.StreamResponse:
    need(request, Right.LOOK)
    core = request.app[CORE]
    shown = await core.db.read(_for_a_person)
    status = (await core.overview.status())["points"]
    return render(request, "points.html", {**shown, "status": status, "what_to_do": _WHAT_TO_DO})


@routes.post("/points/settle")
async def settle(request: web.Request) -> web.StreamResponse:
    """A person says of a movement that is stuck whether Smaregi has it."""
    need(request, Right.SETTLE)
    form = await request.post()
    number, said = str(form.get("movement", "")), form.get("said")
    if not _NUMBER.fullmatch(number) or said not in {"done", "void"}:
        raise web.HTTPUnprocessableEntity
    await record(request, "settle_points", f"movement {number}: {said}")
    with suppress(CommandRefused):  # somebody else has just said so
        await request.app[CORE].points.settle(int(number), done=said == "done")
    return see_other("/points")


def _for_a_person(db: sqlite3.Connection) -> dict[str, Any]:
    return {
        "stuck": movements.listed(db, ["stuck"], 0, _MOST),
        "lacking": orders.listed(db, None, 0, _MOST, lacking=True),
        "lacking_reserved": reservations.listed(db, None, 0, _MOST, lacking=True),
        "drift": drift.listed(db)[:_MOST],
    }
