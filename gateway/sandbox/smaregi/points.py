"""Members' points: shown, added through `point/add`, posted as transactions, moved at a till."""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.sandbox.call import StandInAnswer
from gateway.sandbox.options import SmaregiOptions
from gateway.sandbox.smaregi.fields import Member
from gateway.sandbox.smaregi.members import Members
from gateway.sandbox.smaregi.transactions import ADDED, SALE, TAKEN, Transactions
from gateway.sandbox.smaregi.wire import problem

__all__ = ["PointsDesk"]


class PointsDesk:
    """`store(member_id, row)` keeps a changed member and tells of it; `now` is in Unix seconds."""

    def __init__(
        self,
        options: SmaregiOptions,
        members: Members,
        store: Callable[[int, Member], None],
        now: Callable[[], float],
    ) -> None:
        self.transactions = Transactions(options)
        self._options = options
        self._members = members
        self._store = store
        self._now = now

    def shown(self, member_id: int) -> StandInAnswer:
        row = self._members.row(member_id)
        if row is None:
            return StandInAnswer(200, []) if self._options.point_list else _missing()
        shown = {
            "customerId": member_id if self._options.numeric_ids else str(member_id),
            "mile": "0",
            "point": row["point"],
            "pointExpireDate": row["pointExpireDate"],
            "insDateTime": row["insDateTime"],
            "updDateTime": row["updDateTime"],
        }
        return StandInAnswer(200, [shown] if self._options.point_list else shown)

    def add(self, member_id: int, values: Mapping[str, Any]) -> StandInAnswer:
        if self._members.row(member_id) is None:
            return _missing()
        for name in values.keys() - {"point", "pointExpireDate"}:
            return problem(400, "Bad Request", f"[{name}] 不明な項目です")
        point = values.get("point")
        if not isinstance(point, str) or not point.removeprefix("-").isdecimal():
            return problem(400, "Bad Request", "[point] ポイントの値が正しくありません")
        moved = int(point)
        if self._balance(member_id) + moved < 0:
            return problem(400, "Bad Request", "[point] ポイント残高が不足しています")
        name, division = ("newPoint", ADDED) if moved >= 0 else ("spendPoint", TAKEN)
        given = {"transactionHeadDivision": division, name: str(abs(moved))}
        head = self._note(member_id, given, moved)
        self._move(member_id, moved, values.get("pointExpireDate"))
        body = {"transactionHeadIds": [head["transactionHeadId"]]}
        return StandInAnswer(200, body, applied=True, target=str(member_id))

    def post(self, values: Mapping[str, Any], stores: Mapping[str, Any]) -> StandInAnswer:
        """`POST /transactions`. RefusedError for what is refused."""
        given = str(values.get("customerId"))
        member_id = int(given) if given.isdecimal() else 0
        row = self._members.row(member_id)
        head, moved = self.transactions.post(values, row, stores, self._now())
        self._move(member_id, moved)
        body = head if self._options.post_says == "row" else {}
        return StandInAnswer(200, body, applied=True, target=str(member_id))

    def sale(self, member_id: int, new_point: int, spend_point: int) -> int:
        """ValueError where the till would not let that many be used."""
        moved = new_point - spend_point
        if spend_point > self._balance(member_id):
            raise ValueError("the member has not so many points")
        points = {"newPoint": str(new_point), "spendPoint": str(spend_point)}
        head = self._note(member_id, {"transactionHeadDivision": SALE, **points}, moved)
        self._move(member_id, moved)
        return int(head["transactionHeadId"])

    def cancel(self, head_id: int) -> None:
        moved = self.transactions.cancel(head_id, self._now())
        self._move(int(self.transactions.rows[head_id]["customerId"]), moved)

    def _balance(self, member_id: int) -> int:
        return int(self._members[member_id]["point"] or "0")

    def _note(self, member_id: int, given: Mapping[str, str], moved: int) -> dict[str, str]:
        """A transaction that nobody posted."""
        code = str(self._members[member_id]["customerCode"])
        of = {"customerId": str(member_id), "customerCode": code, "storeId": "1"}
        return self.transactions.note({**of, **given}, self._balance(member_id), moved, self._now())

    def _move(self, member_id: int, points: int, expires: str | None = None) -> None:
        row: Member = {**self._members[member_id], "point": str(self._balance(member_id) + points)}
        if expires is not None:
            row["pointExpireDate"] = expires
        self._store(member_id, row)


def _missing() -> StandInAnswer:
    return problem(404, "Not Found", "会員が見つかりません")
