"""The only SQL: the file, its owner's lock, its secret, and a sentence for each query."""

from gateway.store import (
    admission,
    backfill,
    deferred,
    duplicate_queue,
    duplicates,
    erasure,
    events,
    identities,
    inventory,
    links,
    member_pass,
    members,
    merges,
    outbox,
    proofs,
    registrations,
    rekeying,
    removals,
    retention,
    signup_evidence,
    tally,
)
from gateway.store.database import Database
from gateway.store.disk import Disk
from gateway.store.files import exposed, prove_folder
from gateway.store.guard import read_guard
from gateway.store.keys import Keys, add_secret, secret_path
from gateway.store.ownership import OwnerLock, lock_path, socket_path

__all__ = [
    "Database",
    "Disk",
    "Keys",
    "OwnerLock",
    "add_secret",
    "admission",
    "backfill",
    "deferred",
    "duplicate_queue",
    "duplicates",
    "erasure",
    "events",
    "exposed",
    "identities",
    "inventory",
    "links",
    "lock_path",
    "member_pass",
    "members",
    "merges",
    "outbox",
    "proofs",
    "prove_folder",
    "read_guard",
    "registrations",
    "rekeying",
    "removals",
    "retention",
    "secret_path",
    "signup_evidence",
    "socket_path",
    "tally",
]
