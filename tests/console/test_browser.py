"""The console in a real Chromium: an outage mended, by keyboard too, without a script too."""

from pathlib import Path
from typing import Any

import pytest

from gateway.outcomes import Outcome
from tests.console.browser import a_browser, needs_chromium, signed_in, violations
from tests.console.test_deliveries import an_outage
from tests.console.test_duplicates import a_pair
from tests.console.visitor import ADMIN
from tests.world import World

pytestmark = needs_chromium

PATHS = [
    "/admin",
    "/admin/deliveries",
    "/admin/deliveries/1",
    "/admin/none",
    "/admin/duplicates",
    "/admin/duplicates/1/2",
    "/admin/flags",
    "/admin/log",
    "/admin/people",
    "/admin/people/7000000000001",
]
LOOKS: list[dict[str, Any]] = [
    {"locale": language, "color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    for language, scheme, width in (
        ("en", "light", 1280),
        ("ja", "dark", 1280),
        ("ja", "light", 390),
        ("en", "dark", 390),
    )
]


async def test_an_outage_is_mended_in_a_browser(world: World) -> None:
    await an_outage(world)
    async with a_browser() as browser:
        page = await browser.new_page(locale="en")
        failures: list[str] = []
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("console", lambda said: _note(failures, said))
        await signed_in(page, world.url, ADMIN)
        assert "550 5.1.1 No such user here" in await page.inner_text("main")
        await page.click("text=Re-sync all")
        await page.click("button:has-text('Re-sync 3')")
        await page.wait_for_selector("text=To the deliveries")
        assert "3 of 3" in await page.inner_text("main")
        assert failures == []
    assert {d.outcome for d in await world.deliveries()} == {Outcome.DELIVERED}


def _note(failures: list[str], said: Any) -> None:
    if said.type == "error":
        failures.append(said.text)


@pytest.mark.long
@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(map(str, look.values())))
async def test_every_page_is_fit_for_everybody(world: World, look: dict[str, Any]) -> None:
    await a_pair(world)
    await an_outage(world)
    async with a_browser() as browser:
        page = await browser.new_page(**look)
        await page.goto(f"{world.url}/admin/login")
        assert await violations(page) == []
        await signed_in(page, world.url, ADMIN)
        for path in PATHS:
            await page.goto(world.url + path)
            assert await violations(page) == [], path
            wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
            assert not wide, path
            assert await page.get_attribute("html", "lang") == look["locale"]


@pytest.mark.long
async def test_the_keyboard_alone_is_enough(world: World) -> None:
    await an_outage(world)
    async with a_browser() as browser:
        page = await browser.new_page(locale="en")
        await signed_in(page, world.url, ADMIN)
        await _tab_to(page, "Re-sync all")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=Send again?")
        await _tab_to(page, "Re-sync 3")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=To the deliveries")
    assert {d.outcome for d in await world.deliveries()} == {Outcome.DELIVERED}


async def _tab_to(page: Any, text: str) -> None:
    """What has the focus is always to be seen."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        focused = await page.evaluate(
            "(it => [it.innerText, getComputedStyle(it).outlineStyle])(document.activeElement)"
        )
        assert focused[1] != "none", focused
        if (focused[0] or "").startswith(text):
            return
    raise AssertionError(f"{text} cannot be reached")


@pytest.mark.long
async def test_without_a_script_everything_works(world: World, tmp_path: Path) -> None:
    await an_outage(world)
    async with a_browser() as browser:
        page = await browser.new_page(locale="en", java_script_enabled=False)
        await signed_in(page, world.url, ADMIN)
        await page.goto(f"{world.url}/admin/deliveries?outcome=failed")
        await page.check("input[name=tick] >> nth=0")
        await page.click("button:has-text('Re-sync') >> nth=-1")
        await page.click("button:has-text('Re-sync 1')")
        await page.wait_for_selector("text=To the deliveries")
    assert len(await world.deliveries(outcomes=(Outcome.FAILED,))) == 2
