"""Smaregi's ledger of points: transactions of division 6 (added) and 7 (taken), and what the stores
give.

A posted transaction carries our own number (`transactionUuid`) and our own time, by which it is
found again, exactly. Smaregi computes no points of it: we do.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from gateway import frozen
from gateway.channels.smaregi.responses import refused, unread
from gateway.channels.smaregi.transport import POINTS, SYSTEM, Asked, SmaregiTransport
from gateway.channels.smaregi.turns import MemberTurns
from gateway.errors import ErrorClass, UpstreamError
from gateway.wire import Access, UpstreamAnswer

__all__ = ["ADDED", "JST", "TAKEN", "Entry", "PointLedger", "Recorded", "jst"]

ADDED, TAKEN = "6", "7"
JST = timezone(timedelta(hours=9))
PAGE = 1000
_SPAN = 30 * 86400.0
"""Seconds of one question; Smaregi allows 31 days."""


def jst(seconds: float) -> str:
    """Unix seconds as Smaregi writes them."""
    return datetime.fromtimestamp(int(seconds), UTC).astimezone(JST).isoformat()


@frozen
class Entry:
    """A movement to be posted; every try sends the same bytes. `points` below 0 are taken; `at` in
    Unix seconds, `number` unique for the terminal.
    """

    uuid: str
    member_id: int
    points: int
    store_id: str
    terminal_id: str
    number: int
    at: int
    memo: str

    def body(self) -> dict[str, str]:
        added = self.points > 0
        return {
            "transactionHeadDivision": ADDED if added else TAKEN,
            "cancelDivision": "0",
            "subtotal": "0",
            "total": "0",
            "newPoint" if added else "spendPoint": str(abs(self.points)),
            "storeId": self.store_id,
            "terminalId": self.terminal_id,
            "customerId": str(self.member_id),
            "terminalTranId": str(self.number),
            "terminalTranDateTime": jst(self.at),
            "sumDivision": "2",  # the terminal need not exist
            "sumDate": jst(self.at)[:10],
            "transactionUuid": self.uuid,
            "memo": self.memo,
        }


@frozen
class Recorded:
    """A transaction as Smaregi has it. `points` below 0 were taken."""

    head_id: str
    uuid: str
    member_id: int | None
    points: int
    cancelled: bool
    updated_at: float


class PointLedger:
    """`turns`: whoever changes a member's points, here or otherwise, is alone with the member."""

    def __init__(self, transport: SmaregiTransport) -> None:
        self._transport = transport
        self.turns = MemberTurns()

    async def lacking_scopes(self) -> list[str]:
        return await self._transport.lacking(POINTS)

    async def post(self, entry: Entry) -> str | None:
        """The transaction's id, which proves that it was done; None if the answer names none.

        After an error whose `applied` is None, and without an id, nobody knows.
        """
        asked = Asked("post transaction", Access.WRITE, "POST", "/transactions", body=entry.body())
        answer = await self._transport.send(asked, POINTS)
        if answer.status not in {200, 201}:
            raise refused(answer)
        try:
            said = answer.json()
        except UpstreamError:
            return None
        row = said[0] if isinstance(said, list) and said else said
        head = row.get("transactionHeadId") if isinstance(row, dict) else None
        return str(head) if isinstance(head, int | str) and str(head).isdecimal() else None

    async def find(self, uuid: str, since: float, until: float) -> list[Recorded]:
        """Those with this number whose own time lies within, whatever became of them."""
        found: list[Recorded] = []
        while since <= until:
            end = min(until, since + _SPAN)
            rows = await self._page(
                {
                    "transaction_uuid": uuid,
                    "terminal_tran_date_time-from": jst(since),
                    "terminal_tran_date_time-to": jst(end),
                }
            )
            found += [row for row in rows if row.uuid == uuid]
            since = end + 1
        return list({row.head_id: row for row in found}.values())

    async def of_member(
        self, code: str, since: float, until: float, division: str | None = None
    ) -> list[Recorded]:
        """A member's, by the time at which they came to Smaregi; of any kind without `division`."""
        asked = {
            "customer_code": code,
            "transaction_date_time-from": jst(since),
            "transaction_date_time-to": jst(until),
        }
        if division is not None:
            asked["transaction_head_division"] = division
        return await self._page(asked)

    async def changed(
        self, store_id: str, division: str, since: float, until: float, page: int
    ) -> list[Recorded]:
        """A page of a store's that were made or changed within; at most 31 days."""
        return await self._page(
            {
                "store_id": store_id,
                "transaction_head_division": division,
                "upd_date_time-from": jst(since),
                "upd_date_time-to": jst(until),
                "page": str(page),
            }
        )

    async def _page(self, params: Mapping[str, str]) -> list[Recorded]:
        wanted = {**params, "sort": "transactionHeadId", "limit": str(PAGE)}
        answer = await self._transport.send(
            Asked("list transactions", Access.READ, "GET", "/transactions", wanted), POINTS
        )
        if answer.status != 200:
            raise unread(answer)
        rows = answer.json()
        if not isinstance(rows, list):
            raise answer.error(ErrorClass.UNEXPECTED, "the answer is not a list of transactions")
        return [_recorded(answer, row) for row in rows]

    async def condition(self, store_id: str) -> Mapping[str, str]:
        """Under which a store gives points, as texts. Raises UpstreamError where there is none."""
        asked = Asked(
            "read stores",
            Access.READ,
            "GET",
            "/stores",
            {"with_point_condition": "all", "limit": str(PAGE)},
        )
        answer = await self._transport.send(asked, POINTS)
        if answer.status != 200:
            raise unread(answer)
        rows = answer.json()
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, dict) and str(row.get("storeId")) == store_id:
                found = row.get("pointCondition")
                if isinstance(found, dict):
                    return {k: "" if v is None else str(v) for k, v in found.items()}
        text = "POINTS_STORE_ID: Smaregi tells no points of such a store"
        raise UpstreamError(SYSTEM, "read stores", ErrorClass.AUTH, text, applied=False)


def _recorded(answer: UpstreamAnswer, row: Any) -> Recorded:
    try:
        member = str(row.get("customerId") or "")
        return Recorded(
            str(row["transactionHeadId"]),
            str(row.get("transactionUuid") or ""),
            int(member) if member.isdecimal() else None,
            _whole(row.get("newPoint")) - _whole(row.get("spendPoint")),
            str(row.get("cancelDivision") or "0") == "1",
            _moment(row.get("updDateTime")),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        text = "the answer is not a list of transactions"
        raise answer.error(ErrorClass.UNEXPECTED, text) from None


def _whole(value: Any) -> int:
    """A number as Smaregi writes it, with or without places behind the point; nothing is 0."""
    return int(str(value or 0).partition(".")[0])


def _moment(text: Any) -> float:
    """Unix seconds; 0 if that cannot be read."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return 0.0
