"""serve: the gateway itself."""

import click

__all__ = ["command"]


@click.command("serve")
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info"
)
def command(log_level: str) -> None:
    """The gateway: takes registrations, sends them on, retries what failed.

    SIGTERM or Ctrl-C finishes or persists what is under way and exits 0. SIGHUP, or a change of
    .env, reloads flags and settings.
    """
    from gateway.cli.run import log_to_stderr, read_config, run  # noqa: PLC0415 - quick --help
    from gateway.cli.serving import serve  # noqa: PLC0415

    log_to_stderr(log_level.upper())
    run(serve(read_config(complete=True)))
