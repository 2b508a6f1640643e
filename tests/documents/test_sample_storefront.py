"""The sample storefront: it compiles against the API as it is now, and signs people up."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.sandbox import Fault
from tests.documents.reading import ROOT
from tests.world import World, a_world, registration

SAMPLE = ROOT / "gateway/docs/storefront"
KEY = "a-key-for-the-storefront"
NPM, NODE = shutil.which("npm"), shutil.which("node")
pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.skipif(NPM is None or NODE is None, reason="there is no node on this machine"),
]


async def _run(folder: Path, *arguments: str, **environment: str) -> None:
    process = await asyncio.create_subprocess_exec(
        str(NPM),
        *arguments,
        cwd=folder,
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told = (await process.communicate())[0].decode()
    assert process.returncode == 0, told


@asynccontextmanager
async def a_shop(folder: Path, world: World) -> AsyncIterator[str]:
    """The sample as a developer makes and starts it; yields its address."""
    copy = folder / "storefront"
    shutil.copytree(SAMPLE, copy, ignore=shutil.ignore_patterns("node_modules", "dist"))
    await _run(copy, "ci", "--no-audit", "--no-fund")
    await _run(copy, "run", "types", STOREFRONT_GATEWAY=world.url)
    await _run(copy, "run", "build")
    shop = await asyncio.create_subprocess_exec(
        str(NODE),
        "dist/server.js",
        cwd=copy,
        env=os.environ | {"STOREFRONT_GATEWAY": world.url, "STOREFRONT_KEY": KEY, "PORT": "0"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert shop.stdout is not None
    try:
        yield (await asyncio.wait_for(shop.stdout.readline(), 60)).decode().strip()
    finally:
        shop.kill()
        await shop.wait()


class Visitor:
    """Fills the form in as a person does, and reads what comes back."""

    def __init__(self, session: aiohttp.ClientSession, shop: str) -> None:
        self._session, self._shop = session, shop
        self.page = ""
        self.refresh = ""

    async def look(self, path: str = "/") -> int:
        async with self._session.get(self._shop + path) as response:
            return await self._read(response)

    async def send(self, **changes: Any) -> int:
        body = registration(**changes)
        address = {f"address.{name}": text for name, text in body.pop("address").items()}
        key = re.findall(r'name="key" value="([^"]+)"', self.page)[0]
        values = {"key": key, **body, **address, "accepts_marketing": "on"}
        form = {name: str(value) for name, value in values.items()}
        async with self._session.post(f"{self._shop}/sign-up", data=form) as response:
            return await self._read(response)

    async def _read(self, response: aiohttp.ClientResponse) -> int:
        self.page = await response.text()
        self.refresh = response.headers.get("Refresh", "").partition("url=")[2]
        assert KEY not in self.page
        return response.status


async def test_it_signs_people_up_and_shows_what_is_wrong(tmp_path: Path) -> None:
    async with (
        a_world(tmp_path, GATEWAY_API_KEYS=KEY) as world,
        a_shop(tmp_path, world) as shop,
        aiohttp.ClientSession() as session,
    ):
        visitor = Visitor(session, shop)
        assert await visitor.look() == 200

        # Markup in a field is an error beside it, and stays text.
        assert await visitor.send(email="nobody", last_name="<b>", phone="12") == 422
        wrong = re.findall(r'id="([a-z_-]+)-error"', visitor.page)
        assert wrong == ["email", "last_name", "phone"]
        assert "<b>" not in visitor.page

        # One answer of Shopify's is lost on the way: the form is sent again, with its key.
        world.sandbox.faults.set("shopify", Fault("status", status=503, times=1))
        assert await visitor.send() == 200
        assert "7000000000001" in visitor.page
        assert len(world.sandbox.shopify.customers) == 1

        # The same e-mail again, with other data.
        await visitor.look()
        assert await visitor.send(first_name="次郎") == 409
        assert "ログイン" in visitor.page

        # Shopify is down: the sign-up is kept, and the page asks how it went.
        world.sandbox.faults.set("shopify", Fault("status", status=503))
        await visitor.look()
        assert await visitor.send(number=2) == 202
        place = visitor.refresh
        assert await visitor.look(place) == 202
        world.sandbox.faults.clear()
        async with asyncio.timeout(60):
            while await visitor.look(place) == 202:
                await asyncio.sleep(0.2)
        assert "7000000000002" in visitor.page
        assert await visitor.look("/sign-up/" + "0" * 32) == 404
