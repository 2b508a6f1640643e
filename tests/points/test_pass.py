"""The hourly pass: orders that no webhook told of, and what staff changed in the ledger."""

from pathlib import Path

import pytest

from gateway.sandbox import ShopifyOptions
from tests.e2e.evidence import AlertBox
from tests.points.shop import a_shop

pytestmark = pytest.mark.usefixtures("impatient")


async def test_orders_that_no_webhook_told_of_are_found_by_the_pass(tmp_path: Path) -> None:
    async with a_shop(tmp_path, shopify=ShopifyOptions(search_lag=0.0)) as shop:
        order = shop.buy(1000)
        assert await shop.world.core.points.passes.once() == 1
        await shop.rest()
        assert shop.balance == 10
        shop.orders.refund(order, {0: 1})
        assert await shop.world.core.points.passes.once() == 1, "also within the same second"
        await shop.rest()
        assert shop.balance == 0
        order.updated_at -= 120
        await shop.notice(order)
        assert await shop.world.core.points.passes.once() == 0


async def test_what_staff_changed_in_the_ledger_is_told_once_and_not_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.points.drift._SETTLING", -5.0)
    async with AlertBox.open() as alerts, a_shop(tmp_path, ALERT_WEBHOOK_URL=alerts.url) as shop:
        points = shop.world.core.points
        kept, cancelled = shop.buy(1000), shop.buy(1000)
        for order in (kept, cancelled):
            await shop.notice(order)
        shop.smaregi.sale(shop.member, new_point=4)
        await points.passes.once()
        assert (await shop.world.core.overview.status())["points"]["drift"] == 0
        row = shop.smaregi.transactions.rows[1]
        shop.smaregi.transactions.note({**row, "memo": ""}, 0, 0, shop.smaregi.now())
        stranger = {**row, "transactionUuid": "E00000000Z-1"}
        shop.smaregi.transactions.note(stranger, 0, 0, shop.smaregi.now())
        shop.smaregi.cancel(2)
        for _ in range(2):
            await points.passes.once()
        status = await shop.world.core.overview.status()
        assert status["points"]["drift"] == 3
        assert shop.balance == 14
        await shop.world.until(lambda: any("points drift" in text for text in alerts.texts))
        assert await points.forget_drift(["2", "4", "5"]) == 3
