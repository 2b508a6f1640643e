"""Possible duplicates, for the commands of this machine: listed, shown live, rejected."""

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from gateway import frozen
from gateway.app import Core
from gateway.customer import gid
from gateway.duplicates import Judgement, Reason, compare, judge_forms
from gateway.errors import UpstreamError
from gateway.http.deliveries import number, wrong_filter
from gateway.http.forms.registration import FormError, shown_name
from gateway.http.keys import CORE
from gateway.http.middleware import respond
from gateway.responses.bodies import Answer, iso, problem
from gateway.store import duplicate_queue, duplicates
from gateway.store.duplicates import Pair
from gateway.wording import Fault, Text

__all__ = ["Gone", "explained", "pair_of", "routes", "side_by_side"]

routes = web.RouteTableDef()

_CATCH_UP = 2.0
"""Seconds that a listing waits for members who are still to be looked at."""
_DEFAULT_LIMIT, _LARGEST_LIMIT = 100, 1000
_KNOWN = {"limit", "cursor", "all", "min_score"}


def pair_of(request: web.Request) -> tuple[int, int] | None:
    """The two member ids in the path, the lower first; None if they are no pair."""
    texts = request.match_info["one"], request.match_info["other"]
    if any(not (text.isascii() and text.isdigit() and len(text) < 19) for text in texts):
        return None
    low, high = sorted(map(int, texts))
    return (low, high) if 0 < low < high else None


def _no_pair() -> web.Response:
    detail = Text.english("Name two different members by their ids in Smaregi (customerId).")
    return respond(problem(422, "invalid-data", detail))


@frozen
class _Asked:
    limit: int
    every_state: bool
    min_score: int | None
    after: tuple[int, int, int] | None


def _asked(query: Mapping[str, str]) -> _Asked:
    if unknown := query.keys() - _KNOWN:
        raise FormError([Fault.UNKNOWN_FIELD.at(shown_name(name)) for name in unknown])
    return _Asked(
        number(query, "limit", _DEFAULT_LIMIT, _LARGEST_LIMIT),
        "all" in query,
        _score(query.get("min_score")),
        _cursor(query.get("cursor")),
    )


@routes.get("/control/duplicates")
async def list_(request: web.Request) -> web.Response:
    core = request.app[CORE]
    try:
        asked = _asked(request.query)
    except FormError as error:
        return wrong_filter(error)
    await core.duplicates.catch_up(seconds=_CATCH_UP)

    def unit(db: Any) -> tuple[list[Pair], dict[int, int], int]:
        found = duplicates.find(
            db,
            limit=asked.limit + 1,
            every_state=asked.every_state,
            min_score=asked.min_score,
            after=asked.after,
        )
        ids = {i for pair in found for i in (pair.low_id, pair.high_id)}
        return found, duplicate_queue.linked(db, ids), duplicate_queue.waiting(db)

    rows, linked, waiting = await core.db.read(unit)
    page = rows[: asked.limit]
    body = {
        "duplicates": [_row(pair, linked) for pair in page],
        "next_cursor": _cursor_after(page[-1]) if len(rows) > asked.limit else None,
        "waiting": waiting,
    }
    return respond(Answer(200, orjson.dumps(body)))


def _cursor(text: str | None) -> tuple[int, int, int] | None:
    if text is None:
        return None
    try:
        score, low, high = map(int, text.split(":"))
    except ValueError:
        raise FormError([Fault.CURSOR.at("cursor")]) from None
    return score, low, high


def _cursor_after(pair: Pair) -> str:
    return f"{pair.score}:{pair.low_id}:{pair.high_id}"


def _score(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(text[:6])
    except ValueError:
        raise FormError([Fault.WHOLE_NUMBER.at("min_score")]) from None


def _row(pair: Pair, linked: dict[int, int]) -> dict[str, Any]:
    return {
        "members": [pair.low_id, pair.high_id],
        "state": pair.state,
        "score": pair.score,
        "reasons": explained(Reason(code) for code in pair.reasons),
        "shopify_customer_ids": _customers((pair.low_id, pair.high_id), linked),
        "found_at": iso(pair.found_at),
        "updated_at": iso(pair.updated_at),
    }


def explained(reasons: Any) -> list[dict[str, Any]]:
    return [{"reason": r.value, "words": r.words, "points": r.points} for r in reasons]


def _customers(members: tuple[int, int], linked: dict[int, int]) -> list[str | None]:
    return [gid(linked[i]) if i in linked else None for i in members]


@routes.get("/control/duplicates/{one}/{other}")
async def show(request: web.Request) -> web.Response:
    """Both members as they are in Smaregi now; nothing of it is kept."""
    core, pair = request.app[CORE], pair_of(request)
    if pair is None:
        return _no_pair()

    def unit(db: Any) -> tuple[Pair | None, dict[int, int]]:
        return duplicates.get(db, *pair), duplicate_queue.linked(db, pair)

    known, linked = await core.db.read(unit)
    try:
        found = await side_by_side(core, pair, known, linked)
        return respond(Answer(200, orjson.dumps(found)))
    except Gone as gone:
        return respond(problem(404, "not-found", Text.english(f"Smaregi has no member {gone}.")))
    except UpstreamError as error:
        detail = Text.english(f"They cannot be read now: {error.system}: {error}.")
        return respond(problem(502, "upstream", detail))


class Gone(Exception):  # noqa: N818 - an answer
    """Smaregi has no such member; its id."""


async def side_by_side(
    core: Core, pair: tuple[int, int], known: Pair | None, linked: dict[int, int]
) -> dict[str, Any]:
    """Raises Gone, and UpstreamError."""
    one, other = [await core.smaregi.record(str(i)) for i in pair]
    if one is None or other is None:
        raise Gone(str(pair[0] if one is None else pair[1]))
    customers = await core.shopify.read(linked.values())
    online = [core.smaregi.as_member(customers.get(linked.get(i, 0))) for i in pair]
    keys_of = core.smaregi.index.keys_of
    forms = [
        [keys_of(row), keys_of({**row, **(said or {})})]
        for row, said in zip((one, other), online, strict=True)
    ]
    judged = judge_forms(*forms, known=True) or Judgement(())
    return {
        "members": list(pair),
        "state": known.state if known else None,
        "score": judged.score,
        "reasons": explained(judged.reasons),
        "shopify_customer_ids": _customers(pair, linked),
        "fields": [
            {"field": c.field, "values": c.values, "online": c.online, "mark": c.likeness}
            for c in compare((one, other), (online[0], online[1]))
        ],
    }


@routes.post("/control/duplicates/{one}/{other}/reject")
async def reject(request: web.Request) -> web.Response:
    core, pair = request.app[CORE], pair_of(request)
    if pair is None:
        return _no_pair()
    now = core.db.now()

    def unit(db: Any) -> Pair | None:
        known = duplicates.get(db, *pair)
        if known is not None and known.state == "open":
            duplicates.set_state(db, *pair, "rejected", now)
        return known

    known = await core.db.write(unit)
    if known is None:
        return respond(
            problem(404, "not-found", Text.english("These two are no possible duplicate."))
        )
    if known.state == "merged":
        return respond(problem(409, "merged", Text.english("These two were merged.")))
    return respond(Answer(200, orjson.dumps({"members": list(pair), "state": "rejected"})))
