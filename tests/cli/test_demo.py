"""demo: nothing of the user's is read or touched, and nothing real can be reached."""

import signal
from pathlib import Path

import aiohttp
import pytest

from tests.cli.process import Shell, register

POISON = {
    "FLAG_CRM": "banana",
    "FLAG_EMIAL": "on",
    "SHOPIFY_STORE": "real-shop.myshopify.com",
    "SHOPIFY_ACCESS_TOKEN": "shpat_real",
    "SHOPIFY_BASE_URL": "http://127.0.0.1:1",
    "SMAREGI_API_URL": "http://127.0.0.1:1",
    "HUBSPOT_BASE_URL": "not a url",
    "GATEWAY_PORT": "nonsense",
    "GATEWAY_DATABASE_URL": "sqlite:///gateway.db",
    "GATEWAY_API_KEYS": "short",
    "HTTP_PROXY": "http://127.0.0.1:1",
    "http_proxy": "http://127.0.0.1:1",
}


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_demo_once_shows_where_the_sample_arrived(bare_shell: Shell) -> None:
    done = await bare_shell.run("demo", "--once")
    assert done.code == 0
    for text in ("Shopify", "Smaregi", "CRM", "Welcome mail", "linked", "sent"):
        assert text in done.out
    assert "gid://shopify/Customer/7000000000001" in done.out
    assert "status complete, member number 7000000000001" in done.out
    assert done.err == ""


@pytest.mark.long
async def test_demo_ignores_the_environment_and_env_and_touches_no_file(
    bare_shell: Shell,
) -> None:
    bare_shell.write_env("this is no line of settings\n", FLAG_SMAREGI="banana", **POISON)
    (bare_shell.folder / "gateway.db").write_bytes(b"not a database")
    before = _contents(bare_shell.folder)
    done = await bare_shell.run("demo", "--once", **POISON)
    assert done.code == 0, done.err
    assert "status complete" in done.out
    assert _contents(bare_shell.folder) == before


async def test_demo_runs_on_until_it_is_stopped(bare_shell: Shell) -> None:
    async with bare_shell.running("demo", "--port", "0") as demo:
        url = (await demo.says(r"gateway +(http://\S+)/v1/registrations", out=True))[1]
        await demo.says(r"Ctrl-C stops the demo", out=True)
        await demo.says(r"card +http://\S+/v1/customers/7000000000001/card.svg", out=True)
        (answer,) = await register(url, 2)
        assert answer["status"] == "complete"
        async with aiohttp.ClientSession() as visitor, visitor.get(f"{url}/admin") as console:
            page = await console.text()
        assert "1 delivery failed." in page  # on purpose; without a password
        assert await demo.stop(signal.SIGINT) == 0
        assert [line for line in demo.log.splitlines() if "SMTP 550" not in line] == []


@pytest.mark.long
async def test_demo_says_that_its_port_is_taken(bare_shell: Shell) -> None:
    async with bare_shell.running("demo", "--port", "0") as demo:
        port = (await demo.says(r"gateway +http://127.0.0.1:(\d+)/", out=True))[1]
        second = await bare_shell.run("demo", "--port", port)
    assert second.code == 2
    assert "Traceback" not in second.err
    # A demo has no settings, so it is its option that has to be named.
    assert "--port" in second.err
