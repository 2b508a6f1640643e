"""sandbox: only the stand-ins, for the developer of a storefront."""

import asyncio
import os
import signal

import click

__all__ = ["command", "until_stopped"]


@click.command("sandbox")
@click.option("--port", type=click.IntRange(0, 65535), default=8090, show_default=True)
@click.option("--gateway-url", default="http://127.0.0.1:8080", show_default=True)
def command(port: int, gateway_url: str) -> None:
    """Stand-ins for Shopify, Smaregi, HubSpot and a mailbox, on loopback, with their page.

    Prints the settings that wire a gateway to them, ready for a .env file.
    """
    from gateway.cli.run import run_logged  # noqa: PLC0415 - --help stays quick

    run_logged(_sandbox(port, gateway_url))


async def _sandbox(port: int, gateway_url: str) -> None:
    from gateway.sandbox import Sandbox, SandboxOptions  # noqa: PLC0415

    try:
        async with Sandbox(SandboxOptions(port=port, gateway_url=gateway_url)) as sandbox:
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


async def until_stopped() -> None:
    """Until SIGTERM or Ctrl-C."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await stop.wait()
