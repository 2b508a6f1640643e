"""Stores, and the conditions under which they give and take points."""

from collections.abc import Mapping
from typing import Any

from gateway.sandbox.smaregi.query import RefusedError

__all__ = ["a_store", "shown_stores"]

_KNOWN = frozenset(["with_point_condition", "limit", "page"])


def a_store(**changes: str | None) -> dict[str, str | None]:
    """A point for each whole 100 yen, tax and used points included, none of which expire."""
    return {
        "pointUseDivision": "1",
        "spendRate": "1",
        "pointGivingUnitPrice": "100",
        "pointGivingUnit": "1",
        "pointGivingDivision": "1",
        "pointUseUnit": "1",
        "pointSpendDivision": "1",
        "pointSpendLimitDivision": "0",
        "expireDivision": "0",
        "expireLimit": None,
        "mileageDivision": "0",
        **changes,
    }


def shown_stores(
    stores: Mapping[str, Mapping[str, str | None]], asked: Mapping[str, str]
) -> list[dict[str, Any]]:
    """`GET /stores`. RefusedError for an unknown parameter."""
    for name in asked:
        if name not in _KNOWN:
            raise RefusedError(f"[{name}] 不明なパラメータです")
    limit, page = int(asked.get("limit", "100")), int(asked.get("page", "1"))
    rows: list[dict[str, Any]] = [
        {"storeId": store_id, "storeName": f"店舗{store_id}"}
        | (
            {"pointCondition": {"storeId": store_id, **condition}}
            if asked.get("with_point_condition") == "all"
            else {}
        )
        for store_id, condition in stores.items()
    ]
    return rows[(page - 1) * limit : page * limit]
