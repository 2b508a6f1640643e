"""The same store in PostgreSQL: connections, transactions, and what is known after a failure."""

from gateway.store.postgres.engine import Postgres

__all__ = ["Postgres"]
