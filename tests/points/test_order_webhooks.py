"""Shopify's webhooks about orders."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.evidence import assert_problem
from tests.points.shop import a_shop


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("orders/create", {}),
        ("orders/paid", {"id": None}),
        ("orders/paid", {"id": "9" * 30}),
        ("refunds/create", {"id": 5}),
        ("orders/edited", {"order_edit": {"id": 5}}),
        ("orders/edited", {"id": 5}),
    ],
)
async def test_a_webhook_without_an_orders_id_is_none(
    tmp_path: Path, topic: str, body: dict[str, Any]
) -> None:
    async with a_shop(tmp_path, member=False) as shop:
        assert_problem(await shop.told(topic, body), 400)


async def test_an_order_that_shopify_does_not_show_earns_nothing(tmp_path: Path) -> None:
    async with a_shop(tmp_path) as shop:
        reply = await shop.told("orders/paid", {"id": 4711})
        assert reply.status == 200
        await shop.rest()
        (row,) = await shop.world.core.db.read(
            lambda db: db.execute("SELECT state, reason FROM points_orders").fetchall()
        )
        assert tuple(row) == ("ignored", "gone")


async def test_orders_are_told_with_ids_alone(tmp_path: Path) -> None:
    async with a_shop(tmp_path) as shop:
        shop.world.sandbox.shopify.webhooks.pause()
        await shop.hear()
        shop.orders.refund(shop.buy(1000), {0: 1})
        bodies = [delivery.body for delivery in shop.world.sandbox.shopify.webhooks.held]
        assert all(len(body) < 80 for body in bodies)
        shop.world.sandbox.shopify.webhooks.flush()
        await shop.rest()
