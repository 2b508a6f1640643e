"""The console shows which points need a person, and those of a person's orders."""

from pathlib import Path

import pytest

from gateway.points import keeper
from gateway.store.points import movements, orders
from tests.console.visitor import ADMIN, STAFF, Visitor
from tests.points.shop import a_shop
from tests.points.spending import START, spending


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


@pytest.mark.parametrize("said", ["done", "void"])
async def test_a_person_settles_what_is_stuck(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setattr(keeper, "SETTLING", 0.0)
    async with spending(
        tmp_path, GATEWAY_ADMIN_PASSWORD=ADMIN, GATEWAY_STAFF_PASSWORD=STAFF
    ) as spender:
        made = await spender.reserve(500)
        await spender.shop.world.core.db.write(
            lambda db: db.execute("UPDATE points_movements SET state = 'stuck', message = 'why'")
        )
        async with Visitor(spender.shop.world) as visitor:
            await visitor.sign_in(STAFF)
            page = await visitor.get("/admin/points")
            assert f"reservation {made['id']}" in page.text
            assert "/points/settle" not in page.text
        async with Visitor(spender.shop.world) as visitor:
            await visitor.sign_in()
            page = await visitor.get("/admin/points")
            (form,) = [each for each in page.forms if each.action.endswith("/points/settle")]
            answer = await visitor.send(form, said=said)
            assert answer.status == 200
            person = await visitor.get(f"/admin/people/{spender.shop.customer}")
            assert "Points spent online" in person.text
            log = await visitor.get("/admin/log")
            assert f"movement 1: {said}" in log.text
        moved = await spender.moved(made["id"])
        assert moved == ([-500] if said == "done" else [])
        assert spender.shop.balance == START - 500
