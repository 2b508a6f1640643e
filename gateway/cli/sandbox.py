"""sandbox: only the stand-ins, for the developer of a storefront."""

import asyncio
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zlib import crc32

import click

if TYPE_CHECKING:
    from gateway.sandbox import ShopifyOptions

__all__ = ["command", "say_moved", "until_stopped"]

_PAGE = 8090


def _address(_: click.Context, __: click.Parameter, value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise click.BadParameter("should be an address such as http://127.0.0.1:8080")
    return value.rstrip("/")


@click.command("sandbox")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help=f"The page's, without it {_PAGE} or the next free one; the systems are on the four after"
    " it. 0: any free ones.",
)
@click.option(
    "--gateway-url", default="http://127.0.0.1:8080", show_default=True, callback=_address
)
@click.option(
    "--store",
    default="sandbox.myshopify.com",
    show_default=True,
    help="Another name is another shop: try what happens when the gateway is set to it.",
)
def command(port: int | None, gateway_url: str, store: str) -> None:
    """Stand-ins for Shopify, Smaregi, HubSpot and a mailbox, on loopback, with their page.

    Prints the settings that wire a gateway to them, ready for a .env file. The page's form calls
    the gateway with the first of GATEWAY_API_KEYS, from the environment or .env.
    """
    from gateway.cli.run import run_logged  # noqa: PLC0415 - --help stays quick

    run_logged(_sandbox(port, gateway_url, store))


async def _sandbox(port: int | None, gateway_url: str, store: str) -> None:
    from gateway.sandbox import Ports, Sandbox, SandboxOptions  # noqa: PLC0415

    wanted = Ports.in_a_row(_PAGE if port is None else port)
    ports = wanted.settled("127.0.0.1", keep_page=port is not None)
    options = SandboxOptions(
        ports=ports, gateway_url=gateway_url, gateway_key=_gateway_key, shopify=_shop(store)
    )
    try:
        async with Sandbox(options) as sandbox:
            _print_settings(sandbox, gateway_url)
            say_moved(wanted.moved(ports))
            _say_empty()
            click.echo(f"The sandbox's page: {sandbox.url} (Ctrl-C stops it)", err=True)
            await until_stopped()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        text = f"--port: {ports.page} cannot be used ({reason}); name another, or 0 for any"
        raise click.UsageError(text) from None


def _shop(store: str) -> "ShopifyOptions":
    """Ids are Shopify's, so no two shops have one in common."""
    from gateway.sandbox import ShopifyOptions  # noqa: PLC0415

    first = ShopifyOptions()
    apart = 0 if store == first.store else 1 + crc32(store.encode()) % 1000
    return ShopifyOptions(store=store, first_id=first.first_id + apart * 1_000_000_000)


def _print_settings(sandbox: Any, gateway_url: str) -> None:
    click.echo(f"# Settings of a gateway (.env) that works with the sandbox at {sandbox.url}")
    for name, value in sandbox.environment().items():
        click.echo(f"{name}={value}")
    click.echo(f"GATEWAY_PUBLIC_URL={gateway_url}")
    for name in ("SMAREGI", "CRM", "EMAIL", "UPDATES"):
        click.echo(f"FLAG_{name}=on")


def _gateway_key() -> str | None:
    """A key that the gateway knows, as things stand now: it may get one while the sandbox runs."""
    from gateway.errors import ConfigurationError  # noqa: PLC0415
    from gateway.settings.sources import Sources  # noqa: PLC0415

    try:
        values = Sources.read(Path.cwd()).values()
    except ConfigurationError:  # `serve` says what is wrong with the file
        return None
    return values.get("GATEWAY_API_KEYS", "").partition(",")[0].strip() or None


def _say_empty() -> None:
    """Ids begin anew at each start: with an older database new customers look like those gone."""
    if Path("gateway.db").exists():
        text = "The sandbox starts empty: stop the gateway and delete gateway.db*, an older one's."
        click.echo(text, err=True)


def say_moved(moved: Mapping[str, tuple[int, int]]) -> None:
    """On standard error: which ports (wanted, got) are other programs', and what is used."""
    if moved:
        taken = ", ".join(str(wanted) for wanted, _ in moved.values())
        used = ", ".join(f"{name} {got or 'any'}" for name, (_, got) in moved.items())
        click.echo(f"Taken by other programs: {taken}. Used instead: {used}.", err=True)


async def until_stopped() -> None:
    """Until SIGTERM or Ctrl-C."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await stop.wait()
