"""The console shows which points need a person, and those of a person's orders."""

from pathlib import Path
from typing import Any

import pytest

from gateway.points import keeper
from gateway.store.points import movements, orders
from tests.console.browser import a_browser, needs_chromium, signed_in, violations
from tests.console.test_browser import LOOKS
from tests.console.visitor import ADMIN, STAFF, Visitor
from tests.points.every_state import every_state
from tests.points.shop import a_shop
from tests.points.spending import START, spending

_TOO_WIDE = """[document.documentElement, ...document.querySelectorAll('.scroll')]
    .filter(each => each.scrollWidth > each.clientWidth).map(each => each.ariaLabel)"""


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


async def test_every_state_is_shown_on_the_page_of_points_and_on_the_persons(
    tmp_path: Path,
) -> None:
    async with spending(tmp_path, GATEWAY_ADMIN_PASSWORD=ADMIN) as spender:
        await every_state(spender)
        async with Visitor(spender.shop.world) as visitor:
            await visitor.sign_in()
            page = await visitor.get("/admin/points")
            assert page.status == 200
            assert "reservation 4" in page.text  # 45 points of it could not be taken
            assert "order 6000000000102" in page.text
            assert "transactions 4711, 4712" in page.text
            person = await visitor.get(f"/admin/people/{spender.shop.customer}")
            assert person.status == 200
            assert "6000000000109" in person.text
            assert person.text.count(">stuck</a>") == 2  # a reservation's, and an order's


@needs_chromium
@pytest.mark.long
@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(map(str, look.values())))
async def test_points_in_every_state_are_fit_for_everybody(
    tmp_path: Path, look: dict[str, Any]
) -> None:
    async with (
        spending(tmp_path, GATEWAY_ADMIN_PASSWORD=ADMIN) as spender,
        a_browser() as browser,
    ):
        await every_state(spender)
        url, page = f"{spender.shop.world.url}/admin", await browser.new_page(**look)
        await signed_in(page, spender.shop.world.url, ADMIN)
        for path in ("/points", f"/people/{spender.shop.customer}"):
            await page.goto(url + path)
            assert await violations(page) == [], path
            assert await page.evaluate(_TOO_WIDE) == [], path
