"""A real gateway behind a real nginx with the shipped sample."""

import asyncio
import io
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from gateway.sandbox import Sandbox, SandboxOptions
from tests.cli.process import Shell
from tests.deploy.proxied import plain_nginx
from tests.world import registration

pytestmark = pytest.mark.long

KEY = "a-key-of-the-tests-alone"


def free_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@asynccontextmanager
async def nginx(folder: Path, gateway_port: int) -> AsyncIterator[str]:
    program = shutil.which("nginx") or pytest.skip("nginx is not installed")
    port = free_port()
    config = plain_nginx(folder, port, gateway_port)
    process = await asyncio.create_subprocess_exec(program, "-p", str(folder), "-c", str(config))
    try:
        async with asyncio.timeout(20):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    break
                except OSError:
                    await asyncio.sleep(0.05)
        writer.close()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def test_a_sign_up_goes_through_and_nothing_private_is_shown(tmp_path: Path) -> None:
    async with Sandbox(SandboxOptions()) as sandbox:
        (tmp_path / "shop").mkdir()
        shell = Shell.beside(sandbox, tmp_path / "shop", GATEWAY_API_KEYS=KEY)
        shell.settings["GATEWAY_ADMIN_PASSWORD"] = "a password of the tests alone"
        (tmp_path / "nginx").mkdir()
        async with (
            shell.serving() as (_, direct),
            nginx(tmp_path / "nginx", int(direct.rpartition(":")[2])) as url,
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session,
        ):
            async with session.post(f"{url}/v1/registrations", json=registration(1)) as response:
                made = await response.json()
                assert (response.status, made["status"]) == (201, "complete")
            for path, status in (
                (f"/v1/registrations/{made['id']}", 200),
                (f"/v1/customers/{made['member_number']}", 200),
                (f"/v1/customers/{made['member_number']}/card.svg", 200),
                ("/v1/postal-codes/1500043", 200),
                ("/openapi.json", 200),
                ("/admin", 404),
                ("/admin/login", 404),
                ("/metrics", 404),
                ("/healthz", 404),
                ("/readyz", 404),
                ("/v1/deliveries", 404),
                ("/docs", 404),
                ("//metrics", 404),
                ("/v1/customers/../../metrics", 404),
                ("/v1/customers/%2e%2e/%2e%2e/metrics", 404),
            ):
                async with session.get(URL(url + path, encoded=True)) as response:
                    assert response.status == status, path
            async with session.post(f"{url}/webhooks/shopify", json={}) as response:
                assert response.status == 401
            huge = io.BytesIO(b"x" * 2_000_000)
            async with session.post(f"{url}/v1/registrations", data=huge) as response:
                assert response.status == 413
    assert len(sandbox.shopify.customers) == 1
