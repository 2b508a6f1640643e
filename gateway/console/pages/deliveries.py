"""Deliveries: grouped by cause, listed by filter, sent again or given up; and one of them whole."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from multidict import MultiMapping

from gateway import frozen
from gateway.app import Core
from gateway.app.advice import advice
from gateway.app.identity import SHOP
from gateway.console.jobs import discarding, replaying
from gateway.console.pages.causes import shown_causes
from gateway.console.record import record
from gateway.console.rendering import render, see_other
from gateway.console.roles import Right
from gateway.console.upstream_links import link_to, portal_of
from gateway.console.visit import DESK, VISIT, need
from gateway.errors import CommandRefused, ErrorClass
from gateway.http.deliveries import read_cursor, read_sort
from gateway.http.forms.delivery_filter import read_filter
from gateway.http.forms.registration import FormError
from gateway.http.keys import CORE
from gateway.outcomes import OPEN, REPLAYABLE, DeliveryFilter, Kind, Outcome, Sort
from gateway.store import outbox, search

__all__ = ["routes"]

routes = web.RouteTableDef()

_PAGE = 50
_REGISTRATION = re.compile(r"[0-9a-f]{1,64}")
_FIELDS = (
    *("channel", "outcome", "error_class", "kind", "id", "customer", "registration", "reason"),
    *("since", "until"),
)


@frozen
class _Asked:
    """A filter as it was given, and as it is meant; `wrong` names fields that cannot be read."""

    given: Mapping[str, str]
    chosen: DeliveryFilter
    wrong: tuple[str, ...] = ()


def _asked(request: web.Request, values: "MultiMapping[Any]") -> _Asked:
    """One that cannot be read chooses nothing: never more than was meant."""
    given = {name: _joined(values, name) for name in _FIELDS if name in values}
    given = {name: text for name, text in given.items() if text or name == "reason"}
    channels = tuple(request.app[CORE].deliverer.routes)
    if not _REGISTRATION.fullmatch(given.get("registration", "0")):
        return _Asked(given, DeliveryFilter(ids=(0,)), ("registration",))
    try:
        return _Asked(given, read_filter(given, channels, frozenset()))
    except FormError as error:
        wrong = tuple(each.field for each in error.errors)
        return _Asked(given, DeliveryFilter(ids=(0,)), wrong)


def _joined(values: "MultiMapping[Any]", name: str) -> str:
    texts = [str(text).strip() for text in values.getall(name)]
    return texts[0] if name == "reason" else ",".join(filter(None, texts))


@routes.get("/deliveries")
async def list_(request: web.Request) -> web.StreamResponse:
    need(request, Right.LOOK)
    core, asked = request.app[CORE], _asked(request, request.query)
    sort, after, wrong = _order(request.query, asked.wrong)
    rows, more = await search.page(core.db, asked.chosen, sort, after, _PAGE)
    total = await search.count(core.db, asked.chosen)
    values = {
        "causes": shown_causes(await core.overview.causes()),
        "rows": [(row, advice(row.channel, row.outcome, row.error_class)) for row in rows],
        "total": total,
        "given": asked.given,
        "wrong": wrong,
        "sort": sort,
        "first": after is None,
        "next": _query(asked.given, sort=str(sort), cursor=more) if more else None,
        "begin": _query(asked.given, sort=str(sort)),
        **_choices(core),
    }
    return render(request, "deliveries.html", values, 422 if wrong else 200)


def _order(
    query: Mapping[str, str], wrong: tuple[str, ...]
) -> tuple[Sort, str | None, tuple[str, ...]]:
    try:
        sort = read_sort(query)
        return sort, read_cursor(query.get("cursor"), sort), wrong
    except FormError as error:
        return Sort.NEWEST, None, (*wrong, *(each.field for each in error.errors))


def _choices(core: Core) -> dict[str, Any]:
    return {
        "channels": list(core.deliverer.routes),
        "outcomes": list(Outcome),
        "error_classes": list(ErrorClass),
        "kinds": list(Kind),
        "sorts": list(Sort),
    }


def _query(given: Mapping[str, str], **more: str) -> str:
    return urlencode({**given, **more})


@routes.get("/deliveries/{id}")
async def one(request: web.Request) -> web.StreamResponse:
    need(request, Right.LOOK)
    core, text = request.app[CORE], request.match_info["id"]
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise web.HTTPNotFound
    number = int(text)
    delivery, attempts = await core.db.read(
        lambda db: (outbox.get(db, number), outbox.attempts_of(db, number))
    )
    if delivery is None:
        raise web.HTTPNotFound
    portal = await core.db.read(portal_of)
    config = core.live.current
    values = {
        "delivery": delivery,
        "attempts": list(reversed(attempts)),
        "mend": advice(delivery.channel, delivery.outcome, delivery.error_class),
        "customer_url": link_to(config, SHOP, str(delivery.customer_id), portal),
        "record_url": link_to(config, delivery.channel, delivery.reference, portal),
        "is_open": delivery.outcome.is_open,
        "replayable": delivery.outcome in REPLAYABLE,
    }
    return render(request, "delivery.html", values)


@routes.post("/deliveries/act")
async def ask(request: web.Request) -> web.StreamResponse:
    """What was chosen, with its number: nothing is done before it was seen."""
    act, asked, chosen = await _wanted(request)
    core = request.app[CORE]
    count = await search.count(core.db, chosen) if chosen else 0
    values = {"act": act, "count": count, "given": asked.given, "wrong": asked.wrong}
    return render(request, "confirm.html", values, 422 if asked.wrong else 200)


@routes.post("/deliveries/begin")
async def begin(request: web.Request) -> web.StreamResponse:
    act, asked, chosen = await _wanted(request)
    if asked.wrong or chosen is None:
        raise web.HTTPUnprocessableEntity
    core = request.app[CORE]
    if act == "replay":
        await _require_known(core)
    total = await search.count(core.db, chosen)
    subject = f"{total}: {_query(asked.given)[:400]}" if total else "0"
    await record(request, act, subject, customer_id=chosen.customer_id)
    work = replaying(core, chosen) if act == "replay" else discarding(core, chosen)
    job = request.app[DESK].jobs.begin(act, request[VISIT].actor, total, work)
    return see_other(f"/jobs/{job.id}")


async def _wanted(request: web.Request) -> tuple[str, _Asked, DeliveryFilter | None]:
    """What the form is to do, what it asks for, and the deliveries among these that it concerns."""
    form = await request.post()
    act = _act(request, str(form.get("act", "")))
    asked = _chosen(request, form)
    return act, asked, _narrowed(act, asked.chosen)


def _act(request: web.Request, text: str) -> str:
    if text not in {"replay", "discard"}:
        raise web.HTTPUnprocessableEntity
    need(request, Right.SEND_AGAIN if text == "replay" else Right.DISCARD)
    return text


def _chosen(request: web.Request, form: "MultiMapping[Any]") -> _Asked:
    """`scope`: matching is the whole filter, ticked the ids alone; nothing ticked is nothing."""
    asked = _asked(request, form)
    if form.get("scope") == "matching":
        return asked
    ticked = [str(text) for text in form.getall("tick", [])]
    given = {"id": ",".join(ticked) or asked.given.get("id", "")}
    if not given["id"]:
        return _Asked({}, DeliveryFilter(ids=(0,)), ("id",))
    try:
        return _Asked(given, read_filter(given, (), frozenset()))
    except FormError:
        return _Asked({}, DeliveryFilter(ids=(0,)), ("id",))


def _narrowed(act: str, chosen: DeliveryFilter) -> DeliveryFilter | None:
    """To what can be sent again, or given up; None where nothing of it can."""
    possible = REPLAYABLE if act == "replay" else tuple(OPEN)
    wanted = chosen.outcomes or possible
    outcomes = tuple(outcome for outcome in wanted if outcome in possible)
    return replace(chosen, outcomes=outcomes) if outcomes else None


async def _require_known(core: Core) -> None:
    for difference in await core.identities.compare_all((SHOP,)):
        raise CommandRefused(f"Nothing was done: {difference.reason}.")
