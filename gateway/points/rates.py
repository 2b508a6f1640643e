"""At which rate a member earns: POINTS_RATE, else the member's own, else the store's."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Protocol

from gateway.errors import ErrorClass, UpstreamError
from gateway.points.amounts import Rule
from gateway.points.settings import PointsSettings, rate_of

__all__ = ["Rates"]

_FRESH = 300.0
"""Seconds for which a store's conditions are not read again."""


class Conditions(Protocol):
    async def condition(self, store_id: str) -> Mapping[str, str]: ...


class Rates:
    """`clock` is monotonic."""

    def __init__(
        self,
        ledger: Conditions,
        settings: Callable[[], PointsSettings],
        clock: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._settings = settings
        self._clock = clock
        self._kept: tuple[str, float, Mapping[str, str]] | None = None

    async def of(self, member: Mapping[str, Any]) -> Rule:
        """By the member's row. Raises UpstreamError."""
        store = await self.store()
        division = _division(store)
        fixed = self._settings().points_rate
        if fixed is not None:
            unit, yen = rate_of(fixed)
            return Rule(unit, yen, division)
        rule = _rule(member, division) or _rule(store, division)
        if rule is None:
            raise _unclear("the store does not say how many points it gives")
        return rule

    async def store(self) -> Mapping[str, str]:
        """The store's conditions, some minutes old at most. Raises UpstreamError."""
        store_id = self._settings().points_store_id or ""
        now = self._clock()
        if self._kept is None or self._kept[0] != store_id or now >= self._kept[1]:
            self._kept = store_id, now + _FRESH, await self._ledger.condition(store_id)
        return self._kept[2]


def _rule(row: Mapping[str, Any], division: int) -> Rule | None:
    """None where the row has no rate of its own."""
    texts = [str(row.get(name) or "") for name in ("pointGivingUnit", "pointGivingUnitPrice")]
    try:
        unit, yen = (Fraction(text) for text in texts)
    except ValueError:
        return None
    return Rule(unit, yen, division) if yen > 0 and unit >= 0 else None


def _division(store: Mapping[str, str]) -> int:
    text = store.get("pointGivingDivision", "")
    if text not in {"1", "2", "3", "4"}:
        raise _unclear("the store does not say of which amount it gives points")
    return int(text)


def _unclear(text: str) -> UpstreamError:
    return UpstreamError("smaregi", "read stores", ErrorClass.UNEXPECTED, text, applied=False)
