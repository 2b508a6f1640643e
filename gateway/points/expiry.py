"""Until when points last that are added by `point/add`, which sets a date only if it is told one.

A posted transaction needs none: there Smaregi applies the store's limit itself. Pure.
"""

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta

__all__ = ["expires_on"]

_DAY, _MONTH, _YEAR = "1", "2", "3"


def expires_on(store: Mapping[str, str], present: str | None, today: date) -> str | None:
    """The day (ISO 8601) to send with a grant; None to leave the member's own as it is, also where
    that is later. `store`: its conditions.
    """
    limit = store.get("expireLimit", "")
    if not limit.isdecimal():
        return None
    count = int(limit)
    match store.get("expireDivision", ""):
        case "1":
            until = today + timedelta(days=count)
        case "2":
            until = _months_later(today, count)
        case "3":
            until = _months_later(today, count * 12)
        case _:
            return None
    return until.isoformat() if present is None or until.isoformat() > present else None


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
