"""demo: everything on loopback, wired together, with one sample registration."""

import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click

__all__ = ["SECOND", "command"]

SECOND: dict[str, Any] = {
    "email": "sato@example.com",
    "last_name": "佐藤",
    "first_name": "花子",
    "last_kana": "サトウ",
    "first_kana": "ハナコ",
    "locale": "ja",
}

_HOST, _PORT, _SANDBOX_PORT = "127.0.0.1", 8080, 8090

_POINTS, _PRICE, _SPENT = 1250, 1980, 300
_POINTS_WITHIN = 100
"""Tenths of a second until an order's points are there."""


@click.command("demo")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help=f"The gateway's, without it {_PORT} or the next free one. 0: any, the sandbox's too.",
)
@click.option("--once", is_flag=True, help="Exit after the sample registration.")
def command(port: int | None, once: bool) -> None:
    """See it work: no account, no network, no setting, no file of yours is touched.

    Starts stand-ins for Shopify, Smaregi, HubSpot and a mailbox, and a gateway wired to them; sends
    a sample registration and shows where it arrived.
    """
    from gateway.cli.run import run_logged  # noqa: PLC0415 - --help stays quick

    if not run_logged(_demo(port, once=once)):
        sys.exit(1)


async def _demo(port: int | None, *, once: bool) -> bool:
    from gateway.errors import ConfigurationError  # noqa: PLC0415

    try:
        return await _show_it(0 if once else port, once=once)
    except ConfigurationError:
        raise click.UsageError(
            f"--port: {_PORT if port is None else port} is taken; name another, or 0 for any"
        ) from None


async def _show_it(port: int | None, *, once: bool) -> bool:
    from gateway.cli.sandbox import until_stopped  # noqa: PLC0415
    from gateway.http.forms.explained import EXAMPLE  # noqa: PLC0415

    async with _running(port) as (sandbox, url):
        answer = await _register(url, EXAMPLE)
        _show(answer, url, sandbox, once=once)
        well = answer.get("status") == "complete"
        if well:
            await _buy_something(answer, sandbox)
            await _spend_points(url, answer, sandbox)
        if not once:
            await _fail_one(url, sandbox)
            click.echo("\nTry it by hand on the sandbox's page. Ctrl-C stops the demo.")
            await until_stopped()
        return well


@asynccontextmanager
async def _running(port: int | None) -> AsyncIterator[tuple[Any, str]]:
    """A sandbox and a gateway that can reach nothing else: no environment, no .env is read."""
    from gateway.app import Role, open_core  # noqa: PLC0415
    from gateway.app.checks import wanted_topics  # noqa: PLC0415
    from gateway.app.config import LiveConfig, load  # noqa: PLC0415
    from gateway.cli.sandbox import say_moved  # noqa: PLC0415
    from gateway.console import sites  # noqa: PLC0415
    from gateway.http.forms.explained import EXAMPLE  # noqa: PLC0415
    from gateway.sandbox import Ports, Sandbox, SandboxOptions, first_free  # noqa: PLC0415
    from gateway.settings.sources import Sources  # noqa: PLC0415

    wanted = Ports() if port == 0 else Ports.in_a_row(_SANDBOX_PORT)
    ports = wanted.settled(_HOST)
    mine = first_free(_HOST, _PORT) if port is None else port
    gateway = {"gateway": (_PORT, mine)} if port is None and mine != _PORT else {}
    say_moved(gateway | wanted.moved(ports))
    with tempfile.TemporaryDirectory(prefix="gateway-demo-") as folder:
        async with Sandbox(SandboxOptions(ports=ports)) as sandbox:
            member = sandbox.smaregi.add(
                customerCode="0012345",
                lastName=EXAMPLE["last_name"],
                firstName=EXAMPLE["first_name"],
                mailAddress=EXAMPLE["email"],
            )
            sandbox.smaregi.edit(member, point=str(_POINTS))
            environment = sandbox.environment() | {
                "GATEWAY_PORT": str(mine),
                "GATEWAY_DATABASE_URL": f"sqlite:///{Path(folder) / 'demo.db'}",
                "FLAG_SMAREGI": "on",
                "FLAG_CRM": "on",
                "FLAG_EMAIL": "on",
                "FLAG_UPDATES": "on",
                "FLAG_POINTS_EARN": "on",
                "FLAG_POINTS_SPEND": "on",
                "POINTS_STORE_ID": "1",
            }
            live = LiveConfig(load(Sources(environment, {})))
            async with open_core(live, Role.SERVE) as core, sites(core, live, is_open=True) as url:
                sandbox.connect(url, f"{url}/admin")
                address = f"{url}/webhooks/shopify"
                await core.subscriptions.install(address, [*wanted_topics(live)])
                yield sandbox, url


async def _buy_something(answer: dict[str, Any], sandbox: Any) -> None:
    """An order in the shop, and the points that it earns at the till."""
    import asyncio  # noqa: PLC0415

    customer = int(answer["shopify_customer_id"].rpartition("/")[2])
    member = int(answer["channels"]["smaregi"]["reference"])
    sandbox.shopify.orders.place(customer, [_PRICE])
    for _ in range(_POINTS_WITHIN):
        points = int(sandbox.smaregi.members[member]["point"])
        if points != _POINTS:
            break
        await asyncio.sleep(0.1)
    if points == _POINTS:
        click.echo("An order was placed; its points are not there yet.", err=True)
        return
    click.echo(f"An order of {_PRICE} yen has earned {points - _POINTS} points: {points} now.")


async def _spend_points(url: str, answer: dict[str, Any], sandbox: Any) -> None:
    """Some of them become a discount code, and an order that uses it."""
    customer = int(answer["shopify_customer_id"].rpartition("/")[2])
    path = f"/v1/customers/{customer}/points/reservations"
    made = await _post(f"{url}{path}", {"points": _SPENT})
    if made.get("code") is None:
        click.echo(f"The points could not be spent: {made.get('detail', 'ask again')}", err=True)
        return
    order = sandbox.shopify.orders.place(customer, [_PRICE], codes=[made["code"]])
    click.echo(f"{_SPENT} of them became a code: the next order costs {order.total} yen.")


async def _fail_one(url: str, sandbox: Any) -> None:
    """Somebody whose mail is refused, once: something to find and to mend in the console."""
    from gateway.sandbox import Fault  # noqa: PLC0415

    click.echo("\nA second sign-up, whose welcome mail is refused on purpose:")
    refusal = Fault("status", status=550, match="RCPT", times=1)
    sandbox.faults.set("email", refusal)
    await _register(url, SECOND)
    click.echo(f"Find out why, and mend it with a click: {url}/admin")


async def _register(url: str, body: dict[str, Any]) -> dict[str, Any]:
    return await _post(f"{url}/v1/registrations", body)


async def _post(address: str, body: dict[str, Any]) -> dict[str, Any]:
    import aiohttp  # noqa: PLC0415

    async with aiohttp.ClientSession() as session:
        response = await session.post(address, json=body)
        answer: dict[str, Any] = await response.json(content_type=None)
        return answer


def _show(answer: dict[str, Any], url: str, sandbox: Any, *, once: bool) -> None:
    from gateway.channels import ROSTER  # noqa: PLC0415 - --help stays quick
    from gateway.cli.output import table  # noqa: PLC0415

    titles = {spec.name: spec.title for spec in ROSTER}
    click.echo(f"gateway   {url}/v1/registrations")
    click.echo(f"sandbox   {sandbox.url}\n")
    if "channels" not in answer:
        click.echo(f"The sample registration failed: {answer.get('detail')}", err=True)
        return
    rows = [
        ("Shopify (the master)", answer["shopify_action"], "", answer["shopify_customer_id"]),
        *(
            (
                titles[name],
                channel["outcome"],
                channel.get("action", ""),
                channel.get("reference") or channel.get("message", ""),
            )
            for name, channel in answer["channels"].items()
        ),
    ]
    table("One sample registration", ("system", "outcome", "action", "record"), rows)
    click.echo(f"status {answer['status']}, member number {answer['member_number']}")
    click.echo(
        "The store knew this person as member 0012345 with 1250 points: linked, points kept."
    )
    if once:  # nobody is there any more
        return
    customer = f"{url}/v1/customers/{answer['shopify_customer_id'].rpartition('/')[2]}"
    click.echo(f"console   {url}/admin")
    click.echo(f"API       {url}/docs")
    click.echo(f"points    {customer}/points")
    click.echo(f"card      {customer}/card.svg")
