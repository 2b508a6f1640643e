"""The console shows which points need a person, and those of a person's orders."""

from pathlib import Path

from gateway.store.points import movements, orders
from tests.console.visitor import ADMIN, Visitor
from tests.points.shop import a_shop


async def test_what_is_stuck_or_lacking_is_on_a_page_and_on_the_persons(tmp_path: Path) -> None:
    async with a_shop(tmp_path, GATEWAY_ADMIN_PASSWORD=ADMIN) as shop:
        order = shop.buy(2000)
        await shop.notice(order)
        (one,) = await shop.moved(order)

        def unit(db: object) -> None:
            db.execute(  # type: ignore[attr-defined]
                "UPDATE points_movements SET state = 'stuck', message = 'why <it>' WHERE id = ?",
                (one.id,),
            )
            db.execute("UPDATE points_orders SET lacking = 7")  # type: ignore[attr-defined]

        await shop.world.core.db.write(unit)
        assert await shop.world.core.db.read(movements.counts) == {"stuck": 1}
        assert await shop.world.core.db.read(lambda db: orders.counts(db)[1]) == 7
        async with Visitor(shop.world) as visitor:
            await visitor.sign_in()
            page = await visitor.get("/admin/points")
            assert "why &lt;it&gt;" in page.text
            assert str(order.id) in page.text
            person = await visitor.get(f"/admin/people/{shop.customer}")
            assert str(order.id) in person.text
