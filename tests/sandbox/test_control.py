"""The page and the control API."""

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

import pytest
from aiohttp import web

from gateway.sandbox import SYSTEMS, Ports, Sandbox, SandboxOptions
from gateway.sandbox.control import Handler
from tests.sandbox.conftest import Clients

_GATEWAY = Path(__file__).parents[2] / "gateway"


async def test_faults_are_set_listed_and_cleared(clients: Clients) -> None:
    body = {"system": "crm", "kind": "status", "status": 500, "times": 3, "match": "POST"}
    assert (await clients.control("POST", "faults", json=body)).status == 201
    listed = (await clients.control("GET", "faults")).body["crm"]
    assert (listed[0]["kind"], listed[0]["left"]) == ("status", 3)
    assert (await clients.hubspot("POST", "/crm/objects/2026-03/contacts", json={})).status == 500
    await clients.control("DELETE", "faults?system=crm")
    assert (await clients.control("GET", "faults")).body["crm"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"system": "nobody", "kind": "reset"},
        {"system": "crm", "kind": "explode"},
        {"system": "crm", "kind": "reset", "tmies": 1},
        {"system": "crm"},
        [],
    ],
)
async def test_bad_fault_is_a_400_that_says_why(clients: Clients, body: object) -> None:
    reply = await clients.control("POST", "faults", json=body)
    assert reply.status == 400
    assert reply.body["error"]


async def test_delays_are_numbers_or_numbers_with_a_mode(clients: Clients) -> None:
    wanted = {"crm": 0.1, "smaregi": {"seconds": 0.2, "mode": "total"}}
    await clients.control("PUT", "delays", json=wanted)
    assert (await clients.control("GET", "delays")).body == {
        "crm": {"seconds": 0.1, "mode": "each"},
        "smaregi": {"seconds": 0.2, "mode": "total"},
    }


async def test_state_and_journal_show_every_system_and_reset_empties_them(
    clients: Clients,
) -> None:
    for number in range(3):
        await clients.create(email=f"{number}@example.com")
    clients.sandbox.hubspot.add(email="a@example.com")
    made = await clients.control("POST", "members", json=[{"lastName": "山", "firstName": "太"}])
    assert made.body == {"customerIds": [1]}
    state = (await clients.control("GET", "state?limit=2")).body
    counts = {system: state[system]["count"] for system in SYSTEMS}
    assert counts == dict.fromkeys(SYSTEMS, 0) | {"shopify": 3, "smaregi": 1, "crm": 1}
    assert [each["email"][0] for each in state["shopify"]["records"]] == ["2", "1"]
    whole = (await clients.control("GET", "state?limit=all")).body
    assert len(whole["shopify"]["records"]) == 3
    journal = (await clients.control("GET", "journal?system=shopify&limit=1")).body
    assert journal["entries"][0]["target"] == "gid://shopify/Customer/7000000000003"
    assert journal["counts"]["shopify"]["applied"] == 3
    await clients.control("POST", "reset")
    state = (await clients.control("GET", "state")).body
    assert not any(state[system]["count"] for system in SYSTEMS)
    assert (await clients.control("GET", "journal")).body["entries"] == []


def test_the_page_makes_trouble_for_every_system_and_shows_each() -> None:
    page = files("gateway.sandbox").joinpath("page.html").read_text("utf-8")
    (choice,) = re.findall(r'<select name="system">(.+?)</select>', page)
    assert tuple(re.findall(r"<option[^>]*>(\w+)<", choice)) == SYSTEMS
    shown = re.findall(r'^  (\w+): \["', page, re.MULTILINE)
    assert {*shown, *re.findall(r'^section\("(\w+)"', page, re.MULTILINE)} >= {*SYSTEMS}


def _sign_up(clients: Clients, registration: str) -> None:
    field = {"namespace": "registration", "key": "id", "type": "id", "value": registration}
    clients.sandbox.shopify.add_customer(email=f"{registration}@example.com", metafields=[field])


@asynccontextmanager
async def _gateway(clients: Clients, answer: Handler) -> AsyncIterator[None]:
    """A gateway that the page knows a key of, and that answers everything so."""
    application = web.Application()
    application.router.add_route("*", "/v1/{rest:.+}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    clients.sandbox.storefront.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    clients.sandbox.storefront.key = lambda: "key"
    yield
    await runner.cleanup()


async def test_registration_is_passed_on_with_the_key(clients: Clients) -> None:
    assert (await clients.control("POST", "register", json={})).status == 409
    seen: list[str] = []

    async def gateway(request: web.Request) -> web.Response:
        seen.append(f"{request.headers['Authorization']} {await request.text()}")
        return web.json_response({"title": "later"}, status=503, headers={"Retry-After": "5"})

    async with _gateway(clients, gateway):
        reply = await clients.control("POST", "register", data=b'{"email": "a"}')
    assert reply.status == 200
    assert (reply.body["status"], reply.body["retry_after"]) == (503, "5")
    assert reply.body["body"] == {"title": "later"}
    assert seen == ['Bearer key {"email": "a"}']
    assert (await clients.control("POST", "register", json={})).status == 502


async def test_the_registrations_of_shopifys_newest_customers_are_told_as_they_stand(
    clients: Clients,
) -> None:
    for number in range(14):
        _sign_up(clients, f"r-{number}")
    assert (await clients.control("GET", "registrations")).status == 409
    clients.sandbox.shopify.add_customer(email="guest@example.com")
    channels = {"smaregi": {"outcome": "retrying"}}

    async def gateway(request: web.Request) -> web.Response:
        registration = request.path.rpartition("/")[2]
        status = 404 if registration == "r-12" else 200
        return web.json_response({"id": registration, "channels": channels}, status=status)

    async with _gateway(clients, gateway):
        first = (await clients.control("GET", "registrations")).body["registrations"]
        channels["smaregi"]["outcome"] = "delivered"
        then = (await clients.control("GET", "registrations")).body["registrations"]
    assert [each["id"] for each in first] == ["r-13", *(f"r-{n}" for n in range(11, 2, -1))]
    assert first[0]["channels"] == {"smaregi": {"outcome": "retrying"}}
    assert then[0]["channels"] == {"smaregi": {"outcome": "delivered"}}
    assert (await clients.control("GET", "registrations")).status == 502


async def test_a_gateway_that_knows_no_such_key_is_said_as_that(clients: Clients) -> None:
    _sign_up(clients, "r-1")

    async def gateway(_request: web.Request) -> web.Response:
        return web.json_response({}, status=401)

    async with _gateway(clients, gateway):
        reply = await clients.control("GET", "registrations")
    assert reply.status == 401
    assert "401" in reply.body["error"]


async def test_page_is_one_file_without_anything_from_outside(clients: Clients) -> None:
    reply = await clients.send("GET", clients.sandbox.url + "/")
    text = reply.body.decode()
    assert "Try a registration" in text
    assert "http://" not in text
    assert "https://" not in text
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://elsewhere.example.com"}, {"Host": "elsewhere.example.com"}]
)
async def test_other_web_pages_cannot_switch_anything(
    clients: Clients, headers: dict[str, str]
) -> None:
    reply = await clients.control("POST", "reset", headers=headers)
    assert reply.status == 403


async def test_environment_wires_a_gateway_to_the_sandbox(clients: Clients) -> None:
    settings = clients.sandbox.environment()
    assert settings["SHOPIFY_BASE_URL"] == clients.sandbox.shopify.url
    assert settings["SMTP_PORT"] == str(clients.sandbox.mail.port)
    assert settings["SMTP_TLS"] == "none"
    assert all(settings.values())


def test_only_loopback_is_listened_on() -> None:
    with pytest.raises(ValueError):
        Sandbox(SandboxOptions(host="0.0.0.0"))


async def test_taken_port_is_an_error_that_leaves_nothing_open() -> None:
    async with Sandbox() as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(OSError):
            await Sandbox(SandboxOptions(ports=Ports(page=port))).__aenter__()


def test_sandbox_works_on_uvloop_too() -> None:
    code = (
        "import asyncio, uvloop, aiohttp\n"
        "from gateway.sandbox import Sandbox, Fault\n"
        "async def main():\n"
        "    async with Sandbox() as s, aiohttp.ClientSession() as c:\n"
        "        for kind in ('refuse', 'reset', 'drop'):\n"
        "            s.faults.set('crm', Fault(kind))\n"
        "            try:\n"
        "                await c.get(s.hubspot.url)\n"
        "                print('answered', kind)\n"
        "            except aiohttp.ClientError as e:\n"
        "                print(type(e).__name__)\n"
        "            s.faults.clear()\n"
        "        print((await c.get(s.hubspot.url)).status)\n"
        "uvloop.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "ClientConnectorError",
        "ClientOSError",
        "ServerDisconnectedError",
        "401",
    ]


def test_sandbox_imports_nothing_else_of_the_gateway() -> None:
    lines = [
        line
        for file in (_GATEWAY / "sandbox").rglob("*.py")
        for line in file.read_text("utf-8").splitlines()
        if line.startswith(("from gateway", "import gateway"))
    ]
    assert lines
    assert [line for line in lines if not line.startswith("from gateway.sandbox")] == []


async def test_sandbox_can_be_started_again_after_its_end() -> None:
    for _ in range(2):
        async with Sandbox() as sandbox:
            assert sandbox.url
        await asyncio.sleep(0)
