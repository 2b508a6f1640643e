"""Transactions: the ledger of points. Of those that are posted only the divisions 6 (points added)
and 7 (points taken) are understood; till sales and `point/add` leave theirs beside them.

What no document says is a switch of `SmaregiOptions`: whether the four values that name a till's
transaction may come twice, whether posted points count at all, and whether they may go below 0.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.sandbox.options import SmaregiOptions
from gateway.sandbox.smaregi.fields import Member
from gateway.sandbox.smaregi.members import iso
from gateway.sandbox.smaregi.query import RefusedError

__all__ = ["ADDED", "COLUMNS", "SALE", "TAKEN", "Transactions"]

SALE, ADDED, TAKEN = "1", "6", "7"
_DIVISIONS = frozenset(["1", "2", "3", "4", "5", "6", "7", "13", "14"])
_REQUIRED = (
    *("transactionHeadDivision", "subtotal", "total", "storeId", "terminalId", "terminalTranId"),
    "terminalTranDateTime",
)
COLUMNS = frozenset(
    [
        *_REQUIRED,
        *("cancelDivision", "newPoint", "spendPoint", "customerId", "customerCode", "memo"),
        *("sumDivision", "sumDate", "transactionUuid"),
    ]
)
"""Of what the API takes, the part that a movement of points needs; the rest is refused here."""
_WHOLE = re.compile(r"\d{1,9}")
_UUID = 13
_LONGEST_SPAN = 31 * 86400
_PERIODS = ("terminal_tran_date_time", "transaction_date_time", "upd_date_time")
_EXACT = {
    "transaction_uuid": "transactionUuid",
    "transaction_head_division": "transactionHeadDivision",
    "store_id": "storeId",
    "customer_code": "customerCode",
}
_BOUNDS = frozenset(f"{name}-{end}" for name in _PERIODS for end in ("from", "to"))
_KNOWN = _BOUNDS | _EXACT.keys() | {"limit", "page", "sort"}
_COLUMNS = {
    "terminal_tran_date_time": "terminalTranDateTime",
    "transaction_date_time": "transactionDateTime",
    "upd_date_time": "updDateTime",
}


@dataclass(slots=True)
class Transactions:
    """By `transactionHeadId`, in the order in which they came."""

    options: SmaregiOptions
    rows: dict[int, dict[str, str]] = field(default_factory=dict)
    _next: int = 1

    def post(
        self,
        values: Mapping[str, Any],
        member: Member | None,
        stores: Mapping[str, Any],
        now: float,
    ) -> tuple[dict[str, str], int]:
        """The transaction, and by how much the member's balance changes. RefusedError says what is
        wrong with `values`.
        """
        _refuse(values, stores)
        if member is None or member["status"] not in {"0", "1", "2"}:
            raise RefusedError("[customerId] 会員が存在しません")
        if values.get("customerCode", member["customerCode"]) != member["customerCode"]:
            raise RefusedError("[customerCode] 会員コードが一致しません")
        if self.options.tuple_rule and self._is_repeated(values):
            raise RefusedError("[terminalTranId] 取引は既に登録されています")
        moved = int(values.get("newPoint", "0")) - int(values.get("spendPoint", "0"))
        balance = int(member["point"] or "0")
        if balance + moved < 0 and not self.options.overdraft:
            raise RefusedError("[spendPoint] ポイント残高が不足しています")
        given = {name: str(value) for name, value in values.items()}
        counts = moved if self.options.posted_points_count else 0
        row = self.note(
            {**given, "customerCode": str(member["customerCode"])}, balance, counts, now
        )
        return row, counts

    def note(
        self, values: Mapping[str, str], balance: int, moved: int, now: float
    ) -> dict[str, str]:
        """Writes a transaction down, whoever made it."""
        head_id, self._next = self._next, self._next + 1
        self.rows[head_id] = {
            "cancelDivision": "0",
            "newPoint": "0",
            "spendPoint": "0",
            "memo": "",
            "terminalId": "1",
            "terminalTranId": str(head_id),
            "terminalTranDateTime": iso(now),
            "transactionUuid": f"{int(now) % 10**9:09}{1:04}",
            **values,
            "transactionHeadId": str(head_id),
            "transactionDateTime": iso(now),
            "updDateTime": iso(now),
            "point": str(balance),
            "totalPoint": str(balance + moved),
        }
        return self.rows[head_id]

    def _is_repeated(self, values: Mapping[str, Any]) -> bool:
        names = ("storeId", "terminalId", "terminalTranDateTime", "terminalTranId")
        wanted = [str(values[name]) for name in names]
        return any([row.get(name) for name in names] == wanted for row in self.rows.values())

    def cancel(self, head_id: int, now: float) -> int:
        """Cancelled at a till, once; by how much the balance changes. KeyError for an unknown."""
        row = self.rows[head_id]
        if row["cancelDivision"] == "1":
            return 0
        row.update(cancelDivision="1", updDateTime=iso(now))
        return int(row["spendPoint"]) - int(row["newPoint"])

    def listed(self, asked: Mapping[str, str]) -> list[dict[str, str]]:
        """`GET /transactions`. RefusedError without a period of at most 31 days."""
        for name in asked:
            if name not in _KNOWN:
                raise RefusedError(f"[{name}] 不明なパラメータです")
        periods = dict(_periods(asked))
        if not periods:
            raise RefusedError("期間を指定してください")
        found = [row for row in self.rows.values() if _is_within(row, periods)]
        for name, column in _EXACT.items():
            if name in asked:
                found = [row for row in found if row.get(column) == asked[name]]
        if asked.get("sort", "transactionHeadId") != "transactionHeadId":
            raise RefusedError("[sort] 値が正しくありません")
        limit, page = int(asked.get("limit", "100")), int(asked.get("page", "1"))
        if not 1 <= limit <= 1000 or page < 1:
            raise RefusedError("[limit] 値が正しくありません")
        return found[(page - 1) * limit : page * limit]


def _refuse(values: Mapping[str, Any], stores: Mapping[str, Any]) -> None:
    for name in _REQUIRED:
        if not values.get(name):
            raise RefusedError(f"[{name}] 必須項目です")
    for name, value in values.items():
        if name not in COLUMNS:
            raise RefusedError(f"[{name}] 不明な項目です")
        if not isinstance(value, str):
            raise RefusedError(f"[{name}] 文字列で指定してください")
    division = values["transactionHeadDivision"]
    if division not in _DIVISIONS:
        raise RefusedError("[transactionHeadDivision] 値が正しくありません")
    if division not in {ADDED, TAKEN}:
        raise RefusedError("[details] 必須項目です")
    wanted, other = ("newPoint", "spendPoint") if division == ADDED else ("spendPoint", "newPoint")
    if int(values.get(wanted, "0")) <= 0 or values.get(other, "0") != "0":
        raise RefusedError(f"[{wanted}] 値が正しくありません")
    for name in ("subtotal", "total", "terminalTranId", "terminalId", "newPoint", "spendPoint"):
        if not _WHOLE.fullmatch(values.get(name, "0")):
            raise RefusedError(f"[{name}] 値が正しくありません")
    if values["storeId"] not in stores:
        raise RefusedError("[storeId] 店舗が存在しません")
    if values.get("sumDivision") == "2" and not values.get("sumDate"):
        raise RefusedError("[sumDate] 必須項目です")
    if values.get("sumDivision") != "2" and values["terminalId"] != "1":
        raise RefusedError("[terminalId] 端末が存在しません")
    if len(values.get("transactionUuid", "")) > _UUID:
        raise RefusedError("[transactionUuid] 13文字以内で入力してください")
    if "customerId" not in values:
        raise RefusedError("[customerId] 必須項目です")
    _moment(values["terminalTranDateTime"], "terminalTranDateTime")


def _periods(asked: Mapping[str, str]) -> Iterator[tuple[str, tuple[float, float]]]:
    for name in _PERIODS:
        ends = [asked.get(f"{name}-{end}") for end in ("from", "to")]
        if ends == [None, None]:
            continue
        if None in ends:
            raise RefusedError(f"[{name}] 期間を指定してください")
        since, until = (_moment(str(text), name) for text in ends)
        if not 0 <= until - since <= _LONGEST_SPAN:
            raise RefusedError(f"[{name}] 期間は31日以内で指定してください")
        yield name, (since, until)


def _is_within(row: Mapping[str, str], periods: Mapping[str, tuple[float, float]]) -> bool:
    return all(
        since <= _moment(row[_COLUMNS[name]], name) <= until
        for name, (since, until) in periods.items()
    )


def _moment(text: str, name: str) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise RefusedError(f"[{name}] 日時の形式が正しくありません") from None
    if at.tzinfo is None:
        raise RefusedError(f"[{name}] 日時の形式が正しくありません")
    return at.timestamp()
