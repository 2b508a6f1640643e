"""An outage with 300 failed deliveries, in a real Chromium: found, understood, mended, sent again,
stopped half-way and ended; in both languages, wide and narrow, light and dark.

With CONSOLE_PICTURES=FOLDER each page is kept as a picture, to be looked at.
"""

import asyncio
import os
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from gateway.console.language import language_of
from gateway.outcomes import Outcome
from tests.console.browser import a_browser, needs_chromium, signed_in, violations
from tests.console.test_browser import LOOKS
from tests.console.test_deliveries import NO_MAIL
from tests.console.visitor import ADMIN
from tests.world import World

pytestmark = [needs_chromium, pytest.mark.long, pytest.mark.timeout(600)]

MANY = 300
_AT_ONCE = 10


async def an_outage(world: World) -> None:
    """For a while nobody's mail is taken; every other channel works."""
    world.sandbox.faults.set("email", NO_MAIL)
    for first in range(1, MANY + 1, _AT_ONCE):
        numbers = range(first, first + _AT_ONCE)
        replies = await asyncio.gather(*(world.register(number=number) for number in numbers))
        assert {reply.status for reply in replies} == {201}
    await world.settled(60)
    assert len(await world.deliveries(outcomes=(Outcome.FAILED,))) == MANY


_LOOK = """[document.documentElement.lang, innerWidth,
            matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"]"""


async def picture(page: Page, name: str) -> None:
    """Kept if that is wanted; and what holds for each page is asked of it."""
    if folder := os.environ.get("CONSOLE_PICTURES"):
        language, width, scheme = await page.evaluate(_LOOK)
        file = Path(folder) / f"{language}-{width}-{scheme}-{name}.png"
        await page.screenshot(path=file, full_page=True)
    assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth"), name
    assert await violations(page) == [], name


@asynccontextmanager
async def a_page(world: World, look: dict[str, Any]) -> AsyncIterator[Page]:
    async with a_browser() as browser:
        page = await browser.new_page(**look)
        page.set_default_timeout(60_000)
        await signed_in(page, world.url, ADMIN)
        yield page


async def done_of(page: Page) -> int:
    """How far the page says it is, by the numbers on it."""
    words = await page.inner_text("#words")
    return min(int(each.replace(",", "")) for each in re.findall(r"[\d,]+", words))


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(map(str, look.values())))
async def test_an_outage_of_three_hundred_is_mended(world: World, look: dict[str, Any]) -> None:
    say = language_of(look["locale"], "").text
    await an_outage(world)
    async with a_page(world, look) as page:
        # found, and understood from the first page
        main = await page.inner_text("main")
        assert str(MANY) in main
        assert "550 5.1.1 No such user here" in main
        await picture(page, "1-start")
        await page.goto(f"{world.url}/admin/deliveries?outcome=failed")
        assert str(MANY) in await page.inner_text("main")
        await picture(page, "2-deliveries")

        # mended, and sent again
        world.sandbox.faults.clear()
        world.sandbox.delays["email"] = 0.3
        await page.goto(f"{world.url}/admin")
        await page.click(f"text={say('Re-sync all')}")
        assert str(MANY) in await page.inner_text("main")
        await picture(page, "3-asked")
        await page.click("form[action$='/begin'] button")

        # followed, and stopped half-way
        await page.wait_for_selector("[data-follow]")
        async with asyncio.timeout(120):
            while await done_of(page) < 20:
                await asyncio.sleep(0.1)
        await picture(page, "4-running")
        await page.click(f"button:has-text('{say('Stop')}')")
        await page.wait_for_selector(f"text={say('To the deliveries')}")
        done = await done_of(page)
        assert 20 <= done < MANY
        await picture(page, "5-stopped")
        left = await world.deliveries(outcomes=(Outcome.FAILED,))
        assert len(left) == MANY - done

        # ended
        world.sandbox.delays.clear()
        await page.goto(f"{world.url}/admin")
        assert str(MANY - done) in await page.inner_text("main")
        await page.click(f"text={say('Re-sync all')}")
        await page.click("form[action$='/begin'] button")
        await page.wait_for_selector(f"text={say('To the deliveries')}")
        assert await done_of(page) == MANY - done
        await picture(page, "6-done")
        await page.goto(f"{world.url}/admin")
        await picture(page, "7-start")
        await page.goto(f"{world.url}/admin/log")
        assert " · ".join(map(say, ("E-mail", "Failed", "Data refused"))) in await page.inner_text(
            "main"
        )
        await picture(page, "8-log")
    mails_owed = await world.deliveries(channels=("email",))
    assert {delivery.outcome for delivery in mails_owed} == {Outcome.DELIVERED}
    mails = Counter(mail.recipients for mail in world.sandbox.mail.messages)
    assert (len(mails), set(mails.values())) == (MANY, {1})
