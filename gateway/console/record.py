"""The log of actions: what somebody did here, written before it is done."""

from aiohttp import web

from gateway.console.visit import VISIT
from gateway.http.keys import CORE
from gateway.store import actions

__all__ = ["record"]


async def record(
    request: web.Request,
    action: str,
    subject: str = "",
    *,
    customer_id: int | None = None,
    why: str = "",
) -> None:
    """`subject` holds ids and our own words, never a value; `why` is what the person gave."""
    core = request.app[CORE]
    new = actions.Action(core.db.now(), request[VISIT].actor, action, customer_id, subject, why)
    await core.db.write(lambda db: actions.add(db, new))
