"""Smaregi's members: by number, by id and by page, created and changed; and their points."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from gateway.channels.smaregi import lists
from gateway.channels.smaregi.columns import INDEX, TILL, Columns
from gateway.channels.smaregi.ledger import PointLedger
from gateway.channels.smaregi.responses import (
    is_column,
    is_member,
    is_whole,
    points_of,
    refused,
    unread,
)
from gateway.channels.smaregi.settings import SmaregiSettings
from gateway.channels.smaregi.transport import CUSTOMERS, SYSTEM, Asked, SmaregiTransport
from gateway.errors import ErrorClass, UpstreamError
from gateway.wire import Access, Lane, UpstreamAnswer, Wire, lane

__all__ = ["SYSTEM", "SmaregiClient"]

_FOR_REFRESHES = 0.4
"""Share of the reads that may go into asking what changed; looking up whoever may have been tried
before needs another, and points have their own (`gateway.channels.smaregi.points`)."""
_CLOSEST = 0.03
"""Seconds from one refresh to the next, whatever the rate allows: waiting longer would save
nothing.
"""


class SmaregiClient:
    """Members by number, by id and by page; create, patch and points. `clock` is monotonic."""

    def __init__(
        self, wire: Wire, settings: Callable[[], SmaregiSettings], clock: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._transport = SmaregiTransport(wire, settings, clock)
        self._columns = Columns(self._list_members)
        self._changes = lists.GrowingList()
        self.ledger = PointLedger(self._transport)

    async def lacking_scopes(self) -> list[str]:
        """The scopes that the token lacks, if its answer names them."""
        return await self._transport.lacking(CUSTOMERS)

    async def prove(self) -> None:
        """Proves that this contract gives us a token. Raises UpstreamError."""
        await self._transport.prove(CUSTOMERS)

    def _send(
        self,
        operation: str,
        access: Access,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Awaitable[UpstreamAnswer]:
        asked = Asked(operation, access, method, path, params, body)
        return self._transport.send(asked, CUSTOMERS)

    async def _list(self, operation: str, params: Mapping[str, str]) -> UpstreamAnswer:
        answer = await self._send(operation, Access.READ, "GET", "/customers", params)
        if answer.status != 200:
            raise unread(answer)
        return answer

    async def _list_members(self, params: Mapping[str, str]) -> list[Mapping[str, Any]]:
        answer = await self._list("list members", params)
        page = self._changes.page_of if "upd_date_time-from" in params else lists.page_of
        return page(answer, int(params["customer_id-from"]))

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
            "limit": str(lists.PAGE),
        }
        if updated_from is not None:
            params["upd_date_time-from"] = updated_from
        elif lane.get() is Lane.BACKLOG:
            await self._transport.turn_of_the_scan()
        return await self._columns.rows(params, columns)

    def seconds_apart(self) -> float:
        """Between two refreshes of the index: many sign-ups at once share one."""
        return max(_CLOSEST, 1 / (self._settings().smaregi_reads_per_second * _FOR_REFRESHES))

    async def by_number(self, column: str, number: str) -> list[Mapping[str, Any]]:
        """Members whose `customer_code` or `customer_no` is `number`."""
        rows = lists.members_of(await self._list("find member", {column: number}))
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

    async def add_points(
        self, member_id: str, points: int, expires: str | None = None
    ) -> list[str]:
        """Add (or, negative, subtract) points; the transactions' ids prove that it was done.

        `transactionHeadIds` does, whatever the balance says by now. There is no idempotency key:
        where there is no proof, and after an error whose `applied` is None, one must look, and
        nothing may be sent again. `expires`: the day (ISO 8601) that the points get.
        """
        answer = await self._send(
            "add points",
            Access.WRITE,
            "POST",
            f"/customers/{member_id}/point/add",
            body={"point": str(points)} | ({"pointExpireDate": expires} if expires else {}),
        )
        if answer.status not in {200, 201}:
            raise refused(answer)
        said = answer.json()
        heads = said.get("transactionHeadIds") if isinstance(said, dict) else None
        return [str(head) for head in heads] if isinstance(heads, list) else []

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
