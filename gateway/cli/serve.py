"""serve: the gateway itself."""

import click

__all__ = ["command"]


@click.command("serve")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="Instead of GATEWAY_LOG_LEVEL.",
)
def command(log_level: str | None) -> None:
    """The gateway: takes registrations, sends them on, retries what failed.

    SIGTERM or Ctrl-C finishes or persists what is under way and exits 0; so does closing the
    terminal. A change of .env reloads flags and settings; so does SIGHUP, where there is no
    terminal.
    """
    from gateway.app.lifecycle import read_ahead  # noqa: PLC0415 - quick --help
    from gateway.cli.run import read_config, run  # noqa: PLC0415
    from gateway.console import applications  # noqa: PLC0415
    from gateway.http.serving import serve  # noqa: PLC0415
    from gateway.telemetry.logs import log_to_stderr  # noqa: PLC0415

    live = read_config(complete=True, log_level=lambda own: log_level or own.gateway_log_level)

    def as_set() -> None:
        own = live.current.gateway
        log_to_stderr(log_level or own.gateway_log_level, own.gateway_log_format)

    live.on_change(as_set)
    read_ahead()
    run(serve(live, applications))
