"""Possible duplicates: side by side, and judged; each decision is shown before it is done."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from gateway.app import Core
from gateway.console.language import N_
from gateway.console.pages.decisions import Decision, Wrong, decision_of, preview
from gateway.console.record import record
from gateway.console.rendering import render
from gateway.console.roles import Right
from gateway.console.visit import Visit, need
from gateway.duplicates import Reason
from gateway.duplicates.steps import Told
from gateway.errors import CommandRefused, UpstreamError
from gateway.http.control.duplicates import Gone, explained, side_by_side
from gateway.http.control.guard import require_known
from gateway.http.deliveries import number
from gateway.http.forms.registration import FormError
from gateway.http.keys import CORE
from gateway.store import duplicate_queue, duplicates
from gateway.store.duplicates import Pair

__all__ = ["routes"]

routes = web.RouteTableDef()

_PAGE = 50
_CATCH_UP = 2.0
_GOES_ON = N_("It takes longer, and goes on by itself.")
_LONGEST = 45.0
"""Seconds that the page waits for what was begun; it goes on by itself."""


@routes.get("/duplicates")
async def list_(request: web.Request) -> web.StreamResponse:
    need(request, Right.JUDGE)
    core = request.app[CORE]
    every = request.query.get("all") == "1"
    after = _after(request.query.get("cursor", ""))
    await core.duplicates.catch_up(seconds=_CATCH_UP)

    def unit(db: Any) -> tuple[list[Pair], dict[int, int], int]:
        found = duplicates.find(db, limit=_PAGE + 1, every_state=every, after=after)
        ids = {i for pair in found for i in (pair.low_id, pair.high_id)}
        return found, duplicate_queue.linked(db, ids), duplicate_queue.waiting(db)

    found, linked, waiting = await core.db.read(unit)
    rows, last = found[:_PAGE], found[_PAGE - 1] if len(found) > _PAGE else None
    values = {
        "rows": [(pair, explained(Reason(code) for code in pair.reasons)) for pair in rows],
        "linked": linked,
        "waiting": waiting,
        "every": every,
        "first": after is None,
        "next": f"{last.score}:{last.low_id}:{last.high_id}" if last else None,
    }
    return render(request, "duplicates.html", values)


def _after(text: str) -> tuple[int, int, int] | None:
    parts = text.split(":")
    if len(parts) != 3 or any(not p.removeprefix("-").isdecimal() or len(p) > 18 for p in parts):
        return None
    score, low, high = map(int, parts)
    return score, low, high


@routes.get("/duplicates/{one}/{other}")
async def show(request: web.Request) -> web.StreamResponse:
    """Both as Smaregi has them now; that they were looked at is kept, nothing else of it."""
    need(request, Right.JUDGE)
    core, pair = request.app[CORE], _pair(request)
    known, linked = await core.db.read(
        lambda db: (duplicates.get(db, *pair), duplicate_queue.linked(db, pair))
    )
    await record(request, "look_at_pair", f"{pair[0]} {pair[1]}")
    try:
        found = await side_by_side(core, pair, known, linked)
        balances = [await core.smaregi.client.balance(str(member_id)) for member_id in pair]
    except Gone:
        raise web.HTTPNotFound from None
    except UpstreamError as error:
        raise CommandRefused(f"{error.system} cannot be read now: {error}.") from None
    values = {"found": found, "pair": pair, "linked": linked, "balances": balances}
    return render(request, "pair.html", values)


def _pair(request: web.Request) -> tuple[int, int]:
    try:
        one, other = (
            number(request.match_info, name, 0, (1 << 63) - 1) for name in ("one", "other")
        )
    except FormError:
        raise web.HTTPNotFound from None
    if one == other:
        raise web.HTTPNotFound
    return min(one, other), max(one, other)


@routes.post("/duplicates/look")
async def look(request: web.Request) -> web.StreamResponse:
    """What a decision would do: nothing is done yet."""
    visit = need(request, Right.JUDGE)
    try:
        decision = decision_of(await request.post())
        told = await preview(request.app[CORE], decision)
    except Wrong as wrong:
        return _wrong(request, visit, wrong)
    except UpstreamError as error:
        raise CommandRefused(f"{error.system} cannot be read now: {error}.") from None
    return render(request, "decide.html", {"decision": decision, "told": told})


@routes.post("/duplicates/decide")
async def decide(request: web.Request) -> web.StreamResponse:
    visit, core = need(request, Right.JUDGE), request.app[CORE]
    try:
        decision = decision_of(await request.post())
    except Wrong as wrong:
        return _wrong(request, visit, wrong)
    await record(request, decision.what, decision.subject, customer_id=decision.customer)
    values = await _carried_out(core, decision)
    return render(request, "decided.html", {"decision": decision, **values})


def _wrong(request: web.Request, visit: Visit, wrong: Wrong) -> web.Response:
    text = visit.language.text(str(wrong))
    return render(request, "wrong.html", {"status": 422, "text": text}, 422)


async def _carried_out(core: Core, decision: Decision) -> dict[str, Any]:
    """`code` 0 done, 1 it goes on or has to be begun again, 2 refused; `steps`, and `text`."""
    if decision.what in {"reject", "reopen"}:
        return await _marked(core, decision)
    await require_known(core, "shopify", "smaregi")
    steps: list[str] = []
    events = _events(core, decision)
    try:
        async with asyncio.timeout(_LONGEST):
            async for event in events:
                if event["event"] == "end":
                    return {"code": event["code"], "text": event["text"], "steps": steps}
                steps.append(event["text"])
    except TimeoutError:
        pass
    return {"code": 1, "text": Told(_GOES_ON), "steps": steps}


def _events(core: Core, decision: Decision) -> AsyncIterator[dict[str, Any]]:
    if decision.what == "merge":
        return core.member_merge.merge(decision.one, decision.other, decision.survivor)
    if decision.what == "link":
        return core.linking.link(decision.customer or 0, decision.one)
    return core.linking.unlink(decision.customer or 0, new_member=decision.new_member)


async def _marked(core: Core, decision: Decision) -> dict[str, Any]:
    before, after = ("open", "rejected") if decision.what == "reject" else ("rejected", "open")
    pair = min(decision.one, decision.other), max(decision.one, decision.other)

    def unit(db: Any) -> bool:
        known = duplicates.get(db, *pair)
        if known is None or known.state != before:
            return False
        state: duplicates.State = "rejected" if after == "rejected" else "open"
        return duplicates.set_state(db, *pair, state, core.db.now())

    if await core.db.write(unit):
        return {"code": 0, "text": None, "steps": []}
    return {"code": 2, "text": None, "steps": []}
