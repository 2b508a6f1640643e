"""Smaregi's platform API: token, rates, and its errors as ours."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson

from gateway.channels.smaregi.columns import INDEX, TILL, Columns
from gateway.channels.smaregi.responses import (
    ids_of,
    is_column,
    is_member,
    is_whole,
    points_of,
    refused,
    unread,
)
from gateway.channels.smaregi.settings import SmaregiSettings
from gateway.errors import ErrorClass, UpstreamError
from gateway.wire import (
    Access,
    Call,
    ClientCredentials,
    Lane,
    RateLimit,
    UpstreamAnswer,
    Wire,
    lane,
)
from gateway.wire.tokens import Grant, grant_of

__all__ = ["SmaregiClient"]

SYSTEM = "smaregi"
_SCOPES = {Access.READ: "pos.customers:read", Access.WRITE: "pos.customers:write"}
_SETTINGS = "SMAREGI_CONTRACT_ID, SMAREGI_CLIENT_ID and SMAREGI_CLIENT_SECRET"
_OF_THE_CONTRACT = {"list members", "create member", "read required columns"}
"""Operations that name no member: if they are not found, the contract is wrong."""
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
        self._columns = Columns(self._list_members)
        self._rates: tuple[float, float] = (0, 0)
        self._limits()

    def _limits(self) -> None:
        """Rates as set; the scan of members has its own limit, four fifths of the reads."""
        settings = self._settings()
        rates = (settings.smaregi_reads_per_second, settings.smaregi_writes_per_second)
        if rates != self._rates:
            self._rates = rates
            self._reads = RateLimit(self._clock, rates[0])
            self._writes = RateLimit(self._clock, rates[1])
            self._scan_reads = RateLimit(self._clock, rates[0] * _SCAN_SHARE * 5, 5.0)

    async def _ask_token(self) -> Grant:
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
                body=urlencode(
                    {"grant_type": "client_credentials", "scope": " ".join(_SCOPES.values())}
                ).encode(),
                introduces=True,
            )
        )
        return grant_of(answer, f"Smaregi gives no token: check {_SETTINGS}")

    async def lacking_scopes(self) -> list[str]:
        """The scopes that the token lacks, if its answer names them."""
        await self._grant.token()
        given = self._grant.scopes
        return [scope for scope in _SCOPES.values() if given is not None and scope not in given]

    async def prove(self) -> None:
        """Proves that this contract gives us a token. Raises UpstreamError."""
        await self._grant.token()

    async def _send(
        self,
        operation: str,
        access: Access,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> UpstreamAnswer:
        """An answer that speaks of what was asked, and not of token, contract or rate."""
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
                error = refused(answer)
                limit.throttled(error.retry_after)
                raise error
            if answer.status not in {401, 403} or last:
                break
            self._grant.reject(token)
        if answer.status == 403:
            raise refused(answer, ErrorClass.AUTH, self._forbidden(access))
        if answer.status == 404 and operation in _OF_THE_CONTRACT:
            text = "HTTP 404: this contract has no members here: check SMAREGI_CONTRACT_ID"
            raise refused(answer, ErrorClass.AUTH, f"{text}, and that its plan has the member API")
        return answer

    def _forbidden(self, access: Access) -> str:
        """By the scopes that the token's answer named; some contracts' plans have no members."""
        needed, given = _SCOPES[access], self._grant.scopes
        if given is not None and needed not in given:
            return f"HTTP 403: the token lacks the scope {needed}: give it to the app in Smaregi"
        return f"HTTP 403: check that the app has the scope {needed}, and the contract's plan"

    async def _list(self, operation: str, params: Mapping[str, str]) -> list[Mapping[str, Any]]:
        answer = await self._send(operation, Access.READ, "GET", "/customers", params)
        if answer.status != 200:
            raise unread(answer)
        rows = answer.json()
        if not isinstance(rows, list) or ids_of(rows) is None:
            raise answer.error(ErrorClass.UNEXPECTED, "the answer is not a list of members")
        return rows

    async def _list_members(self, params: Mapping[str, str]) -> list[Mapping[str, Any]]:
        return await self._list("list members", params)

    async def changed_page(self, from_id: int, updated_from: str | None) -> list[Mapping[str, Any]]:
        """As `member_page`, with what a till may change of a member."""
        return await self.member_page(from_id, updated_from, columns=TILL)

    async def member_page(
        self, from_id: int, updated_from: str | None, columns: Sequence[str] = INDEX
    ) -> list[Mapping[str, Any]]:
        """A page of members by id, for the index; `updated_from` as Smaregi writes times."""
        params = {
            "customer_id-from": str(from_id),
            "sort": "customerId",
            "limit": str(PAGE),
        }
        if updated_from is not None:
            params["upd_date_time-from"] = updated_from
        elif lane.get() is Lane.BACKLOG:
            self._limits()
            await self._scan_reads.acquire()
        rows = await self._columns.rows(params, columns)
        ids = ids_of(rows) if len(rows) >= PAGE else None
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
            raise unread(answer)
        return points_of(answer, member_id)

    async def create(self, fields: Mapping[str, str]) -> Mapping[str, Any]:
        answer = await self._send("create member", Access.WRITE, "POST", "/customers", body=fields)
        return self._member(answer)

    async def patch(self, member_id: str, fields: Mapping[str, str | None]) -> Mapping[str, Any]:
        answer = await self._send(
            "update member", Access.WRITE, "PATCH", f"/customers/{member_id}", body=fields
        )
        if answer.status == 404:
            raise refused(answer, ErrorClass.UNEXPECTED, "the member is gone")
        return self._member(answer)

    async def balance(self, member_id: str) -> int | None:
        """The member's points as a number, None for an unknown member."""
        row = await self.points(member_id)
        if row is None:
            return None
        if not is_whole(row.get("point")):
            detail = "the answer is not a balance of points"
            raise UpstreamError(SYSTEM, "read points", ErrorClass.UNEXPECTED, detail, applied=False)
        return int(row["point"])

    async def add_points(self, member_id: str, points: int) -> bool:
        """Add (or, negative, subtract) points; whether the answer proves that it was done.

        `transactionHeadIds` does, whatever the balance says by now. There is no idempotency key:
        where there is no proof, and after an error whose `applied` is None, the balance must be
        read, and nothing may be sent again.
        """
        answer = await self._send(
            "add points",
            Access.WRITE,
            "POST",
            f"/customers/{member_id}/point/add",
            body={"point": str(points)},
        )
        if answer.status not in {200, 201}:
            raise refused(answer)
        said = answer.json()
        return isinstance(said, dict) and bool(said.get("transactionHeadIds"))

    async def required_columns(self) -> list[str]:
        """Columns that this contract requires beyond Smaregi's own."""
        answer = await self._send(
            "read required columns", Access.READ, "GET", "/customer_required_column_setting"
        )
        if answer.status != 200:
            raise unread(answer)
        rows = answer.json()
        if not isinstance(rows, list) or not all(is_column(row) for row in rows):
            raise answer.error(ErrorClass.UNEXPECTED, "the answer is not a list of columns")
        return [str(row["columnName"]) for row in rows if str(row["value"]) == "1"]

    def _member(self, answer: UpstreamAnswer) -> Mapping[str, Any]:
        if answer.status != 200 and answer.call.access is Access.READ:
            raise unread(answer)
        if answer.status not in {200, 201}:
            raise refused(
                answer,
                ErrorClass.INVALID_DATA if answer.status in {400, 409, 422} else None,
                "Smaregi refuses the data (HTTP 400)" if answer.status == 400 else "",
            )
        row: Mapping[str, Any] = answer.json()
        if not is_member(row):
            raise answer.error(ErrorClass.UNEXPECTED, "the answer is not a member")
        return row
