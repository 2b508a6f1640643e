"""The log of actions: who did what, when, to whom, and why; in ids."""

import re
from functools import partial
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.console.language import Language
from gateway.console.rendering import render
from gateway.console.roles import Right
from gateway.console.visit import VISIT, need
from gateway.console.words import label
from gateway.customer import numeric_id
from gateway.http.keys import CORE
from gateway.store import actions

__all__ = ["details_of", "routes"]

routes = web.RouteTableDef()

_PAGE = 50
_CHOSEN = re.compile(r"(\d+): (\w+=.*)")
"""How many deliveries, and by which filter."""
_STOPPED = re.compile(r"(\w+) \S+, (\d+) of (\d+) done")


@routes.get("/log")
async def show(request: web.Request) -> web.StreamResponse:
    need(request, Right.ACTIONS)
    text, wrong = request.query.get("customer", "").strip(), False
    customer_id: int | None = None
    try:
        customer_id = numeric_id(text) if text else None
    except ValueError:
        customer_id, wrong = 0, True
    before = _before(request.query.get("before", ""))
    rows = await request.app[CORE].db.read(
        lambda db: actions.page(db, before, _PAGE + 1, customer_id)
    )
    core = request.app[CORE]
    values = {
        "rows": rows[:_PAGE],
        "more": rows[_PAGE - 1].id if len(rows) > _PAGE else None,
        "customer": text,
        "wrong": wrong,
        "first": before is None,
        "details": partial(details_of, request[VISIT].language),
        "days": core.live.current.gateway.gateway_retention_days,
    }
    return render(request, "log.html", values, 422 if wrong else 200)


def _before(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def details_of(language: Language, subject: str) -> list[str]:
    """A subject in words for people, part by part."""
    if found := _CHOSEN.fullmatch(subject):
        chosen = [language.text(label(value)) for _, value in parse_qsl(found[2])]
        return [language.number(int(found[1])), *chosen]
    if found := _STOPPED.fullmatch(subject):
        done, total = (language.number(int(each)) for each in found.groups()[1:])
        words = language.text("%(done)s of %(total)s", done=done, total=total)
        return [language.text(label(found[1])), words]
    return [subject] if subject else []
