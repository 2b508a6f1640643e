"""Points earned online: what is stuck or lacking, and what differs in Smaregi's ledger."""

import sqlite3
from collections.abc import Sequence

from aiohttp import web

from gateway.console.language import N_
from gateway.console.rendering import render
from gateway.console.roles import Right
from gateway.console.visit import need
from gateway.http.keys import CORE
from gateway.store.points import Movement, PointOrder, drift, movements, orders
from gateway.store.points.drift import Drift

__all__ = ["routes"]

routes = web.RouteTableDef()

_MOST = 200
_WHAT_TO_DO = N_(
    "Look at the member's point history in Smaregi, then say `points settle ID --done` or "
    "`--void`. Until then this member's points wait."
)


@routes.get("/points")
async def show(request: web.Request) -> web.StreamResponse:
    need(request, Right.LOOK)
    core = request.app[CORE]
    stuck, lacking, drifted = await core.db.read(_for_a_person)
    status = (await core.overview.status())["points"]
    values = {"stuck": stuck, "lacking": lacking, "drift": drifted, "status": status}
    return render(request, "points.html", {**values, "what_to_do": _WHAT_TO_DO})


def _for_a_person(
    db: sqlite3.Connection,
) -> tuple[Sequence[Movement], Sequence[PointOrder], Sequence[Drift]]:
    stuck = movements.listed(db, ["stuck"], 0, _MOST)
    return stuck, orders.listed(db, None, 0, _MOST, lacking=True), drift.listed(db)[:_MOST]
