"""What `check` proves for points: scopes, the shop's currency, and the store's conditions."""

from collections.abc import Sequence
from datetime import timedelta

from gateway.channels import Check
from gateway.channels.smaregi.ledger import PointLedger
from gateway.points.eligibility import worth_of
from gateway.points.rates import Rates
from gateway.points.settings import PointsSettings
from gateway.points.standing import CURRENCY
from gateway.shopify import DiscountCodes, Orders

__all__ = ["check_points", "check_spending"]

_DAY = timedelta(days=1).total_seconds()


async def check_points(
    shop: Orders, ledger: PointLedger, rates: Rates, settings: PointsSettings, now: float
) -> Sequence[Check]:
    """Raises UpstreamError, which names a scope that lacks."""
    if (currency := await shop.currency()) != CURRENCY:
        detail = f"the shop's currency is {currency}: points are for shops in {CURRENCY}"
        return [Check("Points", ok=False, detail=detail)]
    await shop.changed(now - _DAY, None)
    if lacking := await ledger.lacking_scopes():
        detail = f"the token lacks {', '.join(lacking)}: give the app this scope in Smaregi"
        return [Check("Points", ok=False, detail=detail)]
    store = await rates.store()
    await ledger.changed(settings.points_store_id or "", "6", now - _DAY, now, 1)
    rule = await rates.of({})
    rate = f"{float(rule.unit):g}/{float(rule.unit_price):g}"
    detail = f"orders and the ledger can be read; points for yen: {rate}"
    found = [Check("Points", ok=True, detail=detail)]
    if settings.points_rate is None:
        text = "rates by a member's rank cannot be read: the member's own counts, else the store's"
        found.append(Check("Points", ok=True, detail=text, warns=True))
    if store.get("pointUseDivision") == "0":
        text = f"store {settings.points_store_id} seems to keep no points (pointUseDivision 0)"
        found.append(Check("Points", ok=True, detail=text, warns=True))
    if store.get("mileageDivision") == "2":
        text = f"store {settings.points_store_id} collects miles instead of points"
        found.append(Check("Points", ok=False, detail=text))
    return found


async def check_spending(codes: DiscountCodes, rates: Rates) -> Check:
    """Raises UpstreamError, which names a scope that lacks."""
    if lacking := await codes.lacking_scopes():
        text = f"grant the app {', '.join(lacking)} in Shopify: points become discount codes"
        return Check("Spending points", ok=False, detail=text)
    await codes.find(_NO_CODE)
    store = await rates.store()
    if store.get("pointUseDivision") == "0":
        text = "points cannot be used in this store (pointUseDivision 0): set that in Smaregi"
        return Check("Spending points", ok=False, detail=text)
    unit, yen = worth_of(store, 100)
    if yen < 1:
        return Check("Spending points", ok=False, detail="points are worth nothing (spendRate)")
    text = f"codes can be made; 100 points are {yen} yen, in units of {unit}"
    return Check("Spending points", ok=True, detail=text)


_NO_CODE = "NOSUCHCODEOFTHEGATEWAY"
