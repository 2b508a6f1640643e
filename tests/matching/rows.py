"""Store members as Smaregi's API gives them, and a source of them without a network."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

__all__ = ["Source", "member", "stamp"]

JST = timezone(timedelta(hours=9))
Row = Mapping[str, Any]


def stamp(seconds: float) -> str:
    """As Smaregi writes times: Japanese time, whole seconds."""
    return datetime.fromtimestamp(int(seconds), UTC).astimezone(JST).isoformat()


def member(member_id: int, changed_at: float, **fields: Any) -> dict[str, Any]:
    return {
        "customerId": str(member_id),
        "customerCode": f"{member_id:08d}",
        "customerNo": None,
        "lastName": "山田",
        "firstName": "太郎",
        "lastKana": "ヤマダ",
        "firstKana": "タロウ",
        "mailAddress": f"member{member_id}@example.com",
        "birthDate": "1990-04-01",
        "mobileNumber": "090-2345-6701",
        "phoneNumber": None,
        "postCode": "150-0043",
        "address": "東京都渋谷区道玄坂1-2-3",
        "lastComeDateTime": None,
        "status": "0",
        "updDateTime": stamp(changed_at),
    } | fields


class Source:
    """Answers pages as the client does; `held` keeps an answer back until it is set.

    `asked` has (from id, updated from) of each page; a page is what was there when it was asked.
    """

    def __init__(self, *rows: Row, page: int = 1000) -> None:
        self.rows: dict[int, Row] = {}
        self.page = page
        self.apart = 0.0
        self.asked: list[tuple[int, str | None]] = []
        self.held: asyncio.Event | None = None
        self.put(*rows)

    def put(self, *rows: Row) -> None:
        for row in rows:
            self.rows[int(row["customerId"])] = row

    def seconds_apart(self) -> float:
        return self.apart

    async def member_page(self, from_id: int, updated_from: str | None) -> list[Row]:
        self.asked.append((from_id, updated_from))
        since = datetime.fromisoformat(updated_from) if updated_from else None
        found = [
            row
            for member_id, row in sorted(self.rows.items())
            if member_id >= from_id
            and (since is None or datetime.fromisoformat(row["updDateTime"]) >= since)
        ][: self.page]
        await asyncio.sleep(0)
        if self.held is not None:
            await self.held.wait()
        return found

    @property
    def scans(self) -> int:
        """Pages that were asked for without a time: those of full scans."""
        return sum(since is None for _, since in self.asked)
