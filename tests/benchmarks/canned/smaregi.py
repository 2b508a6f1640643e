"""Smaregi's members: created, found by number, listed with what changed since.

Where `lists_grow`, the list has whoever was created, so a gateway that asks what changed reads its
own members back, as it does with the true Smaregi. Rows are written once and joined.
"""

import time
from bisect import bisect_left
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl

import orjson

from gateway.sandbox.smaregi.fields import COLUMNS
from tests.benchmarks.canned.http import answer, unforeseen
from tests.benchmarks.canned.sightings import Sightings

__all__ = ["Smaregi"]

_JST = timezone(timedelta(hours=9))
_BLANK: dict[str, Any] = {name: None for name in COLUMNS if name not in {"point", "mile"}}
_TOKEN = {
    "access_token": "canned",
    "token_type": "Bearer",
    "expires_in": 3600,
    "scope": "pos.customers:read pos.customers:write",
}


class Smaregi:
    def __init__(self, sightings: Sightings) -> None:
        self._sightings = sightings
        self.lists_grow = False
        self.members: list[dict[str, Any]] = []
        self._changed: list[int] = []
        self._by_code: dict[str, dict[str, Any]] = {}
        self._rows: dict[str, list[bytes]] = {}

    def __call__(self, method: str, path: str, body: bytes) -> bytes:
        place, _, query = path.partition("?")
        if place.endswith("/token"):
            return answer(200, orjson.dumps(_TOKEN))
        if place.endswith("/customer_required_column_setting"):
            return answer(200, b"[]")
        if place.endswith("/pos/customers"):
            return self._create(orjson.loads(body)) if method == "POST" else self._list(query)
        raise unforeseen("no members")

    def _create(self, told: dict[str, Any]) -> bytes:
        code = str(told["customerCode"])
        if code in self._by_code:
            return answer(409, b'{"title":"duplicate","status":409}')
        now = int(time.time())
        stamp = datetime.fromtimestamp(now, UTC).astimezone(_JST).isoformat()
        made = {"customerId": str(len(self.members) + 1), "insDateTime": stamp, "status": "0"}
        member = {**_BLANK, "sex": "0", **told, **made, "updDateTime": stamp}
        self.members.append(member)
        self._changed.append(now)
        self._by_code[code] = member
        self._sightings.channel("smaregi", code)
        return answer(200, orjson.dumps(member))

    def _list(self, query: str) -> bytes:
        asked = dict(parse_qsl(query))
        if (code := asked.get("customer_code")) is not None:
            found = self._by_code.get(code)
            return answer(200, orjson.dumps([found] if found else []))
        if "customer_id-from" not in asked:
            raise unforeseen(f"a list by {', '.join(asked)}")
        if not self.lists_grow:
            return answer(200, b"[]")
        return self._page(asked)

    def _page(self, asked: dict[str, str]) -> bytes:
        first = int(asked["customer_id-from"]) - 1
        if since := asked.get("upd_date_time-from"):
            oldest = int(datetime.fromisoformat(since).timestamp())
            first = max(first, bisect_left(self._changed, oldest))
        rows = self._written(asked["fields"])[first : first + int(asked["limit"])]
        return answer(200, b"[" + b",".join(rows) + b"]")

    def _written(self, fields: str) -> list[bytes]:
        """All members with these columns, in the order of their ids."""
        rows, names = self._rows.setdefault(fields, []), fields.split(",")
        rows += [
            orjson.dumps({name: member[name] for name in names})
            for member in self.members[len(rows) :]
        ]
        return rows
