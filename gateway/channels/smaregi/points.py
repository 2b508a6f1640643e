"""Reads members' points, with a share of the reads: the rest is for sign-ups."""

import time
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from gateway import frozen
from gateway.channels.smaregi.client import SYSTEM, SmaregiClient
from gateway.channels.smaregi.settings import SmaregiSettings
from gateway.channels.smaregi.update import is_active
from gateway.errors import ErrorClass, UpstreamError
from gateway.outcomes import Link
from gateway.wire import RateLimit

__all__ = ["Balance", "PointsReader"]

SHARE = 0.2
"""Of SMAREGI_READS_PER_SECOND. At the highest rate of writes, sign-ups need four fifths."""
_QUEUE = 2.0
"""Seconds that a reader waits for the share at most; after that the answer is 503."""
_FEWEST = 4
_SHORTEST_ID = 10
"""Digits of a Shopify customer id; a shorter one could be the number on a stranger's card."""


@frozen
class Balance:
    """`expires_on` is ISO 8601; None where Smaregi gives no date."""

    points: int
    expires_on: str | None
    member_number: str | None


class PointsReader:
    """`clock` is monotonic."""

    def __init__(
        self,
        client: SmaregiClient,
        settings: Callable[[], SmaregiSettings],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._settings = settings
        self._share = RateLimit(clock, self._allowed())
        self._readers = 0

    def _allowed(self) -> float:
        return max(1.0, self._settings().smaregi_reads_per_second * SHARE)

    async def read(self, customer_id: int, link: Link | None) -> Balance | None:
        """The balance of a customer's member, known by the link or else by our number.

        None where there is no member. UpstreamError, `rate_limit` where too many are reading.
        """
        if self._readers >= max(_FEWEST, self._allowed() * _QUEUE):
            raise UpstreamError(
                SYSTEM,
                "read points",
                ErrorClass.RATE_LIMIT,
                "more readers than their share of SMAREGI_READS_PER_SECOND",
                retry_after=_QUEUE,
                applied=False,
            )
        self._readers += 1
        try:
            if link is not None:
                return await self._balance(link.reference, link.member_number)
            found = await self._by_our_number(customer_id)
            return await self._balance(*found) if found else None
        finally:
            self._readers -= 1

    async def _turn(self) -> None:
        self._share.allow(self._allowed(), 1.0)
        await self._share.acquire()

    async def _by_our_number(self, customer_id: int) -> tuple[str, str] | None:
        """(member id, member number)"""
        number = str(customer_id)
        if len(number) < _SHORTEST_ID:
            return None
        by_no = self._settings().smaregi_link_field == "customerNo"
        for column in ("customer_code", "customer_no") if by_no else ("customer_code",):
            await self._turn()
            for row in await self._client.by_number(column, number):
                if is_active(row):
                    return str(row["customerId"]), str(row.get("customerCode") or number)
        return None

    async def _balance(self, member_id: str, number: str | None) -> Balance | None:
        await self._turn()
        row = await self._client.points(member_id)
        if row is None:
            return None
        if "pointExpireDate" not in row:  # the member's own record has it in any case
            await self._turn()
            row = {**(await self._client.by_id(member_id) or {}), **row}
        return Balance(_whole(row), _day(row.get("pointExpireDate")), number)


def _whole(row: Mapping[str, Any]) -> int:
    """Points as Smaregi writes numbers: a text of digits. Nothing at all is none."""
    given = row.get("point", "?")
    try:
        return 0 if given in (None, "") else int(str(given).partition(".")[0])
    except ValueError:
        raise UpstreamError(
            SYSTEM, "read points", ErrorClass.UNEXPECTED, "the answer holds no points"
        ) from None


def _day(given: Any) -> str | None:
    """`2026-12-31`, whether it came so, as `2026/12/31` or with a time; else None."""
    try:
        return date.fromisoformat(str(given)[:10].replace("/", "-")).isoformat()
    except ValueError:
        return None
