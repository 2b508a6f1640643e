"""sandbox: only the stand-ins, for the developer of a storefront."""

import asyncio
import os
import signal
from typing import TYPE_CHECKING
from zlib import crc32

import click

if TYPE_CHECKING:
    from gateway.sandbox import ShopifyOptions

__all__ = ["command", "until_stopped"]


@click.command("sandbox")
@click.option("--port", type=click.IntRange(0, 65535), default=8090, show_default=True)
@click.option("--gateway-url", default="http://127.0.0.1:8080", show_default=True)
@click.option(
    "--store",
    default="sandbox.myshopify.com",
    show_default=True,
    help="Another name is another shop: try what happens when the gateway is set to it.",
)
def command(port: int, gateway_url: str, store: str) -> None:
    """Stand-ins for Shopify, Smaregi, HubSpot and a mailbox, on loopback, with their page.

    Prints the settings that wire a gateway to them, ready for a .env file.
    """
    from gateway.cli.run import run_logged  # noqa: PLC0415 - --help stays quick

    run_logged(_sandbox(port, gateway_url, store))


async def _sandbox(port: int, gateway_url: str, store: str) -> None:
    from gateway.sandbox import Sandbox, SandboxOptions  # noqa: PLC0415

    shopify = _shop(store)
    options = SandboxOptions(port=port, gateway_url=gateway_url, shopify=shopify)
    try:
        async with Sandbox(options) as sandbox:
            click.echo(f"# The sandbox's page: {sandbox.url}")
            click.echo("# Settings of a gateway that works with it (.env):")
            for name, value in sandbox.environment().items():
                click.echo(f"{name}={value}")
            click.echo(f"GATEWAY_PUBLIC_URL={gateway_url}")
            for name in ("SMAREGI", "CRM", "EMAIL", "UPDATES"):
                click.echo(f"FLAG_{name}=on")
            click.echo("# Ctrl-C stops it.", err=True)
            await until_stopped()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        text = f"--port: {port} cannot be used ({reason}); name another, or 0 for any"
        raise click.UsageError(text) from None


def _shop(store: str) -> "ShopifyOptions":
    """Ids are Shopify's, so no two shops have one in common."""
    from gateway.sandbox import ShopifyOptions  # noqa: PLC0415

    first = ShopifyOptions()
    apart = 0 if store == first.store else 1 + crc32(store.encode()) % 1000
    return ShopifyOptions(store=store, first_id=first.first_id + apart * 1_000_000_000)


async def until_stopped() -> None:
    """Until SIGTERM or Ctrl-C."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await stop.wait()
