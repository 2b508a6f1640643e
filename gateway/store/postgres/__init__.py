"""The same store in PostgreSQL: connections, transactions, and what is known after a failure."""

from gateway.store.postgres.address import conninfo
from gateway.store.postgres.engine import Postgres
from gateway.store.postgres.gateways import Beat, Gateway
from gateway.store.postgres.lease import NOT_THEIRS, Lease, Limits, who_is_active

__all__ = [
    "NOT_THEIRS",
    "Beat",
    "Gateway",
    "Lease",
    "Limits",
    "Postgres",
    "conninfo",
    "who_is_active",
]
