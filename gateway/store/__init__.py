"""The only SQL: the file, its owner's lock, its secret, and a sentence for each query."""

from gateway.store import (
    arrivals,
    backfill,
    duplicates,
    erasure,
    events,
    examination,
    inventory,
    links,
    listing,
    members,
    merges,
    outbox,
    promises,
    proofs,
    registrations,
    retention,
    schedule,
    told,
)
from gateway.store.database import Database
from gateway.store.files import exposed, prove_folder
from gateway.store.ownership import OwnerLock, lock_path, socket_path
from gateway.store.secrets import Keys, secret_path

__all__ = [
    "Database",
    "Keys",
    "OwnerLock",
    "arrivals",
    "backfill",
    "duplicates",
    "erasure",
    "events",
    "examination",
    "exposed",
    "inventory",
    "links",
    "listing",
    "lock_path",
    "members",
    "merges",
    "outbox",
    "promises",
    "proofs",
    "prove_folder",
    "registrations",
    "retention",
    "schedule",
    "secret_path",
    "socket_path",
    "told",
]
