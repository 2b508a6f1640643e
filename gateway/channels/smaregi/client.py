"""Smaregi's platform API: token, rates, and its errors as ours."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson

from gateway.channels.smaregi.settings import SmaregiSettings
from gateway.channels.smaregi.told import TOLD
from gateway.errors import ErrorClass, UpstreamError
from gateway.wire import Access, Answer, Call, ClientCredentials, Lane, RateLimit, Wire, lane
from gateway.wire.tokens import parse_token

__all__ = ["SmaregiClient"]

SYSTEM = "smaregi"
_SCOPE = "pos.customers:read pos.customers:write"
_INDEX_FIELDS = (
    "customerId,customerCode,customerNo,lastName,firstName,lastKana,firstKana,mailAddress,"
    "birthDate,mobileNumber,phoneNumber,postCode,address,point,lastComeDateTime,status,updDateTime"
)
_TILL_FIELDS = f"customerId,status,updDateTime,{','.join(TOLD)}"
PAGE = 1000
_SCAN_SHARE = 0.8 / 0.95
"""Four fifths of the reads, since a RateLimit keeps a little of its rate to itself. Counted
over five seconds, so that a page which came late is made up for; `_reads` bounds each second."""


class SmaregiClient:
    """Members by number, by id and by page; create, patch and points. `clock` is monotonic."""

    def __init__(
        self, wire: Wire, settings: Callable[[], SmaregiSettings], clock: Callable[[], float]
    ) -> None:
        self._wire = wire
        self._settings = settings
        self._clock = clock
        self._grant = ClientCredentials(self._ask_token, clock)
        self._rates: tuple[float, float] = (0, 0)
        self._limits()

    def _limits(self) -> None:
        """Rates as set; the scan of members has a limit of its own at four fifths of the reads."""
        settings = self._settings()
        rates = (settings.smaregi_reads_per_second, settings.smaregi_writes_per_second)
        if rates != self._rates:
            self._rates = rates
            self._reads = RateLimit(self._clock, rates[0])
            self._writes = RateLimit(self._clock, rates[1])
            self._scan_reads = RateLimit(self._clock, rates[0] * _SCAN_SHARE * 5, 5.0)

    async def _ask_token(self) -> tuple[str, float]:
        settings = self._settings()
        secret = settings.smaregi_client_secret
        pair = f"{settings.smaregi_client_id}:{secret.get_secret_value() if secret else ''}"
        answer = await self._wire.send(
            Call(
                SYSTEM,
                "token",
                Access.READ,
                "POST",
                f"{settings.smaregi_id_url}/app/{settings.smaregi_contract_id}/token",
                headers={
                    "Authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
                    "Content-Type": "application/x-www-form-urlencoded",
                },
                body=urlencode({"grant_type": "client_credentials", "scope": _SCOPE}).encode(),
            )
        )
        if answer.status != 200:
            refused = answer.status in {400, 401, 403}
            raise answer.error(ErrorClass.AUTH if refused else None)
        return parse_token(SYSTEM, answer.json())

    async def _send(
        self,
        operation: str,
        access: Access,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        """An answer that is neither a refused token nor a rate limit; both are not carried out."""
        self._limits()
        limit = self._reads if access is Access.READ else self._writes
        settings = self._settings()
        url = f"{settings.smaregi_api_url}/{settings.smaregi_contract_id}/pos{path}"
        for last in (False, True):
            token = await self._grant.token()
            await limit.acquire()
            answer = await self._wire.send(
                Call(
                    SYSTEM,
                    operation,
                    access,
                    method,
                    url,
                    headers={
                        "Authorization": f"Bearer {token}",
                        "Content-Type": "application/json",
                    },
                    params=params,
                    body=None if body is None else orjson.dumps(body),
                )
            )
            if answer.status == 429:
                limit.throttled(answer.error().retry_after)
                raise answer.error()
            if answer.status != 401 or last:
                break
            self._grant.reject(token)
        return answer

    async def _list(self, operation: str, params: Mapping[str, str]) -> list[Mapping[str, Any]]:
        answer = await self._send(operation, Access.READ, "GET", "/customers", params)
        if answer.status != 200:
            raise answer.error()
        rows = answer.json()
        if not isinstance(rows, list) or _ids(rows) is None:
            raise answer.error(ErrorClass.UNEXPECTED, "the answer is not a list of members")
        return rows

    async def changed_page(self, from_id: int, updated_from: str | None) -> list[Mapping[str, Any]]:
        """As `member_page`, with what a till may change of a member."""
        return await self.member_page(from_id, updated_from, fields=_TILL_FIELDS)

    async def member_page(
        self, from_id: int, updated_from: str | None, fields: str = _INDEX_FIELDS
    ) -> list[Mapping[str, Any]]:
        """A page of members by id, for the index; `updated_from` as Smaregi writes times."""
        params = {
            "customer_id-from": str(from_id),
            "sort": "customerId",
            "limit": str(PAGE),
            "fields": fields,
        }
        if updated_from is not None:
            params["upd_date_time-from"] = updated_from
        elif lane.get() is Lane.BACKLOG:
            self._limits()
            await self._scan_reads.acquire()
        rows = await self._list("list members", params)
        ids = _ids(rows) if len(rows) >= PAGE else None
        if ids and (ids != sorted(ids) or ids[0] < from_id):
            raise UpstreamError(
                SYSTEM,
                "list members",
                ErrorClass.UNEXPECTED,
                "members did not come in the order of their ids",
                applied=False,
            )
        return rows

    async def by_number(self, column: str, number: str) -> list[Mapping[str, Any]]:
        """Members whose `customer_code` or `customer_no` is `number`."""
        rows = await self._list("find member", {column: number})
        name = "customerCode" if column == "customer_code" else "customerNo"
        return [row for row in rows if str(row.get(name) or "") == number]

    async def by_id(self, member_id: str) -> Mapping[str, Any] | None:
        answer = await self._send("read member", Access.READ, "GET", f"/customers/{member_id}")
        if answer.status == 404:
            return None
        return self._member(answer)

    async def points(self, member_id: str) -> Mapping[str, Any] | None:
        """A member's points, None for an unknown member; never another's. A list, or the row."""
        answer = await self._send(
            "read points", Access.READ, "GET", "/customers/point", {"customer_id": member_id}
        )
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise answer.error()
        return _points(answer, member_id)

    async def create(self, fields: Mapping[str, str]) -> Mapping[str, Any]:
        answer = await self._send("create member", Access.WRITE, "POST", "/customers", body=fields)
        return self._member(answer)

    async def patch(self, member_id: str, fields: Mapping[str, str | None]) -> Mapping[str, Any]:
        answer = await self._send(
            "update member", Access.WRITE, "PATCH", f"/customers/{member_id}", body=fields
        )
        if answer.status == 404:
            raise answer.error(ErrorClass.UNEXPECTED, "the member is gone")
        return self._member(answer)

    async def balance(self, member_id: str) -> int | None:
        """The member's points as a number, None for an unknown member."""
        row = await self.points(member_id)
        if row is None:
            return None
        if not _is_whole(row.get("point")):
            detail = "the answer is not a balance of points"
            raise UpstreamError(SYSTEM, "read points", ErrorClass.UNEXPECTED, detail, applied=False)
        return int(row["point"])

    async def add_points(self, member_id: str, points: int) -> int | None:
        """Add (or, negative, subtract) points; the balance as answered, None where that is unclear.

        There is no idempotency key: an error whose `applied` is None must be cleared up by
        reading the balance, never by sending again.
        """
        answer = await self._send(
            "add points",
            Access.WRITE,
            "POST",
            f"/customers/{member_id}/point/add",
            body={"point": str(points)},
        )
        if answer.status not in {200, 201}:
            refused = answer.status in {400, 404, 422}
            raise answer.error(ErrorClass.INVALID_DATA if refused else None)
        row = _points(answer, member_id) or {}
        return int(row["point"]) if _is_whole(row.get("point")) else None

    async def required_columns(self) -> list[str]:
        """Columns that this contract requires beyond Smaregi's own."""
        answer = await self._send(
            "read required columns", Access.READ, "GET", "/customer_required_column_setting"
        )
        if answer.status != 200:
            raise answer.error()
        rows = answer.json()
        if not isinstance(rows, list) or not all(_is_column(row) for row in rows):
            raise answer.error(ErrorClass.UNEXPECTED, "the answer is not a list of columns")
        return [str(row["columnName"]) for row in rows if str(row["value"]) == "1"]

    def _member(self, answer: Answer) -> Mapping[str, Any]:
        if answer.status not in {200, 201}:
            raise answer.error(
                ErrorClass.INVALID_DATA if answer.status in {400, 409, 422} else None,
                "Smaregi refuses the data (HTTP 400)" if answer.status == 400 else "",
            )
        row: Mapping[str, Any] = answer.json()
        if not _is_member(row):
            raise answer.error(ErrorClass.UNEXPECTED, "the answer is not a member")
        return row


def _ids(rows: Sequence[Mapping[str, Any]]) -> list[int] | None:
    """None where these are no members."""
    try:
        return [int(row["customerId"]) for row in rows]
    except (KeyError, TypeError, ValueError):
        return None


def _is_member(row: object) -> bool:
    """`customerId` comes as a number or as a text of digits."""
    member_id = row.get("customerId") if isinstance(row, dict) else None
    return isinstance(member_id, int) or (isinstance(member_id, str) and member_id.isdecimal())


def _points(answer: Answer, member_id: str) -> Mapping[str, Any] | None:
    """The member's row, which comes alone or in a list; None in an empty list."""
    found = answer.json()
    rows = found if isinstance(found, list) else [found]
    own = [row for row in rows if _is_member(row) and str(row["customerId"]) == member_id]
    if rows and not own:
        raise answer.error(ErrorClass.UNEXPECTED, "the answer is not the member's points")
    return own[0] if own else None


def _is_whole(value: object) -> bool:
    return isinstance(value, int | str) and str(value).removeprefix("-").isdecimal()


def _is_column(row: object) -> bool:
    return isinstance(row, dict) and {"columnName", "value"} <= row.keys()
