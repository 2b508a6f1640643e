"""The only SQL: the file, its owner's lock, its secret, and a sentence for each query."""

from gateway.store import (
    arrivals,
    links,
    listing,
    members,
    outbox,
    promises,
    registrations,
    retention,
    schedule,
)
from gateway.store.database import Database
from gateway.store.ownership import OwnerLock, lock_path, socket_path
from gateway.store.secrets import Keys, secret_path

__all__ = [
    "Database",
    "Keys",
    "OwnerLock",
    "arrivals",
    "links",
    "listing",
    "lock_path",
    "members",
    "outbox",
    "promises",
    "registrations",
    "retention",
    "schedule",
    "secret_path",
    "socket_path",
]
