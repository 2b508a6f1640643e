"""A real Chromium: pages as people see them, and axe-core's judgement of them."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

__all__ = ["CHROMIUM", "a_browser", "needs_chromium", "signed_in", "violations"]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
_AXE = Path(__file__).with_name("axe") / "axe.min.js"


@asynccontextmanager
async def a_browser() -> AsyncIterator[Browser]:
    sandbox = [] if os.getuid() else ["--no-sandbox"]  # root has none
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        yield browser
        await browser.close()


async def signed_in(page: Page, url: str, password: str) -> None:
    await page.goto(f"{url}/admin")
    await page.fill("#password", password)
    await page.press("#password", "Enter")
    await page.wait_for_url(f"{url}/admin")


async def violations(page: Page) -> list[str]:
    """What axe-core finds, and where; it runs apart, since the page takes no foreign script."""
    found: Any = await page.evaluate(
        _AXE.read_text("utf-8") + "; axe.run(document, {resultTypes: ['violations']})"
    )
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
