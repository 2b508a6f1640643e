"""The outbox over HTTP: list, replay, discard."""

import re
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from gateway.delivery import ReplayOptions
from gateway.http.forms.delivery_filter import read_filter
from gateway.http.forms.refused import refused_body
from gateway.http.forms.registration import FormError, NotJsonError, parse_json
from gateway.http.keys import CORE
from gateway.http.middleware import read_body, respond
from gateway.outcomes import Delivery, DeliveryFilter, Sort
from gateway.responses.bodies import Answer, delivery_body, delivery_row, problem
from gateway.store import outbox, search
from gateway.wording import Detail, Fault

__all__ = ["number", "read_cursor", "read_sort", "routes", "wrong_filter"]

routes = web.RouteTableDef()

_PAGED = frozenset({"limit", "cursor", "sort"})
_LIMITED = frozenset({"limit"})
DEFAULT_LIMIT, LARGEST_LIMIT = 100, 1000
MOST_REPLAYED = 2**31


def number(values: Mapping[str, Any], name: str, default: int, largest: int) -> int:
    given = values.get(name)
    text = "" if isinstance(given, bool) else str(default if given is None else given)
    digits = text.isascii() and text.isdigit() and len(text) < 20
    if not digits or not 0 < int(text) <= largest:
        raise FormError([Fault.NUMBER.at(name, largest=largest)])
    return int(text)


def wrong_filter(error: FormError) -> web.Response:
    return respond(problem(422, "invalid-data", Detail.FILTERS_WRONG, errors=error.errors))


@routes.get("/v1/deliveries")
async def list_deliveries(request: web.Request) -> web.Response:
    core = request.app[CORE]
    try:
        chosen = read_filter(request.query, tuple(core.deliverer.routes), _PAGED)
        limit = number(request.query, "limit", DEFAULT_LIMIT, LARGEST_LIMIT)
        sort = read_sort(request.query)
        after = read_cursor(request.query.get("cursor"), sort)
    except FormError as error:
        return wrong_filter(error)
    rows, more = await search.page(core.db, chosen, sort, after, limit)
    body: dict[str, Any] = {"deliveries": [delivery_row(row) for row in rows], "next_cursor": more}
    if after is None:
        body["total"] = await search.count(core.db, chosen)
    return respond(Answer(200, orjson.dumps(body)))


def read_sort(values: Mapping[str, Any]) -> Sort:
    try:
        return Sort(values.get("sort", Sort.NEWEST))
    except ValueError:
        raise FormError([Fault.CHOICE.at("sort", choices=", ".join(Sort))]) from None


_BY_AGE = r"[0-9]{1,18}"
_BY_VALUE = rf"[0-9]{{1,20}}(?:\.[0-9]{{1,20}})?:{_BY_AGE}"
CURSOR = f"{_BY_AGE}|{_BY_VALUE}"


def read_cursor(text: str | None, sort: Sort) -> str | None:
    """A place in this order; that of another order is none."""
    pattern = _BY_AGE if sort in {Sort.NEWEST, Sort.OLDEST} else _BY_VALUE
    if text and not re.fullmatch(pattern, text):
        raise FormError([Fault.CURSOR.at("cursor")])
    return text or None


@routes.post("/v1/deliveries/replay")
async def replay_many(request: web.Request) -> web.Response:
    core = request.app[CORE]
    raw = await read_body(request)
    try:
        body = parse_json(raw) if raw.strip() else {}
        chosen = read_filter(body, tuple(core.deliverer.routes), _LIMITED)
        limit = number(body, "limit", 1, MOST_REPLAYED) if body.get("limit") is not None else None
    except NotJsonError as error:
        return respond(refused_body(error))
    except FormError as error:
        return wrong_filter(error)
    return await _replay(core, ReplayOptions(chosen, limit=limit))


async def _replay(core: Any, options: ReplayOptions) -> web.Response:
    """202 once the run has begun; it goes on after the answer."""
    run = core.replay.run(options)
    start = await anext(run)

    async def rest() -> None:
        async for _ in run:
            pass

    core.runtime.background.keep(rest(), "replay")
    return respond(Answer(202, orjson.dumps({"count": start["total"]})))


async def _one(request: web.Request) -> Delivery | None:
    text = request.match_info["id"]
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        return None
    delivery_id = int(text)
    return await request.app[CORE].db.read(lambda db: outbox.get(db, delivery_id))


def _missing() -> web.Response:
    return respond(problem(404, "not-found", Detail.NO_DELIVERY))


@routes.get("/v1/deliveries/{id}")
async def show(request: web.Request) -> web.Response:
    delivery = await _one(request)
    if delivery is None:
        return _missing()
    tries = await request.app[CORE].db.read(lambda db: outbox.attempts_of(db, delivery.id))
    return respond(Answer(200, delivery_body(delivery, tries)))


@routes.post("/v1/deliveries/{id}/replay")
async def replay_one(request: web.Request) -> web.Response:
    delivery = await _one(request)
    if delivery is None:
        return _missing()
    options = ReplayOptions(DeliveryFilter(ids=(delivery.id,)))
    return await _replay(request.app[CORE], options)


@routes.post("/v1/deliveries/{id}/discard")
async def discard(request: web.Request) -> web.Response:
    delivery = await _one(request)
    if delivery is None:
        return _missing()
    count = await request.app[CORE].discard([delivery.id])
    return respond(Answer(202, orjson.dumps({"count": count})))
