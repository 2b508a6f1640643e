"""Commands that are about SQLite's file say so where the database is a PostgreSQL."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.settings import GatewaySettings

__all__ = ["refuse_server"]


def refuse_server(gateway: "GatewaySettings", instead: str) -> None:
    """CommandRefused; `instead`: what does it there."""
    from gateway.errors import CommandRefused  # noqa: PLC0415 - --help stays quick

    if gateway.is_postgres:
        raise CommandRefused(
            f"GATEWAY_DATABASE_URL names a PostgreSQL: {instead}. Nothing was done; see "
            "'PostgreSQL' in gateway/docs/operating.md."
        )
