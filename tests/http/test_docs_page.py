"""The page that shows the API's description."""

import hashlib
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gateway.http.openapi import VIEWER
from tests.console.browser import a_browser, needs_chromium
from tests.documents.reading import ROOT, text
from tests.world import a_world

FILES = ROOT / "gateway/http/openapi/viewer"


async def test_the_page_and_its_files_are_served_and_load_nothing_from_elsewhere(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path) as world:
        pages = [await world.get("/docs") for _ in range(2)]
        files = {name: await world.get(f"/docs/{name}") for name in VIEWER}
        others = [await world.get(f"/docs/{name}") for name in ("README.md", "..%2Fwords.py")]
    policies = [page.headers["Content-Security-Policy"] for page in pages]
    nonces = [re.findall(r'nonce="([^"]+)"', page.raw.decode()) for page in pages]
    assert nonces[0] != nonces[1]
    for (nonce,), policy in zip(nonces, policies, strict=True):
        assert f"'nonce-{nonce}'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
    wanted = set(re.findall(rb'(?:href|src)="docs/([^"]+)"', pages[0].raw))
    assert wanted == {name.encode() for name in VIEWER}
    assert all(file.raw == (FILES / name).read_bytes() for name, file in files.items())
    assert [page.status for page in others] == [404, 404]


def test_the_viewer_is_the_one_whose_version_and_licence_are_told() -> None:
    told = re.findall(r"`([0-9a-f]{64})`", text(FILES / "README.md"))
    assert told == [hashlib.sha256((FILES / "redoc.standalone.js").read_bytes()).hexdigest()]
    assert text(FILES / "redoc.LICENSE.txt").startswith("The MIT License")


@pytest.mark.long
@needs_chromium
@pytest.mark.parametrize("width", [1280, 390])
async def test_the_page_shows_every_call_with_no_network(tmp_path: Path, width: int) -> None:
    async with a_world(tmp_path) as world, a_browser() as browser:
        page = await browser.new_page(viewport={"width": width, "height": 900})
        broken: list[str] = []
        fetched: set[str] = set()
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.on("requestfinished", lambda request: fetched.add(urlsplit(request.url).netloc))
        await page.goto(f"{world.url}/docs")
        for call in ("Register a customer", "Change a profile", "List deliveries", "Measure it"):
            await page.wait_for_selector(f"h2:has-text('{call}')", timeout=60_000)
        styled = await page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize")
        wide = await page.evaluate("document.documentElement.scrollWidth")
    assert fetched <= {urlsplit(world.url).netloc, ""}
    assert broken == []
    assert styled != "32px", "the viewer's own styles are refused"
    assert wide <= width
