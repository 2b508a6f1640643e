"""The only SQL: the file, its owner's lock, its secret, and a sentence for each query."""

from gateway.store import (
    arrivals,
    backfill,
    duplicates,
    erasure,
    events,
    examination,
    identities,
    inventory,
    links,
    listing,
    members,
    merges,
    outbox,
    promises,
    proofs,
    registrations,
    rekeying,
    removals,
    retention,
    schedule,
    tally,
    told,
)
from gateway.store.database import Database
from gateway.store.disk import Disk
from gateway.store.files import exposed, prove_folder
from gateway.store.guard import read_guard
from gateway.store.ownership import OwnerLock, lock_path, socket_path
from gateway.store.secrets import Keys, add_secret, secret_path

__all__ = [
    "Database",
    "Disk",
    "Keys",
    "OwnerLock",
    "add_secret",
    "arrivals",
    "backfill",
    "duplicates",
    "erasure",
    "events",
    "examination",
    "exposed",
    "identities",
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
    "read_guard",
    "registrations",
    "rekeying",
    "removals",
    "retention",
    "schedule",
    "secret_path",
    "socket_path",
    "tally",
    "told",
]
