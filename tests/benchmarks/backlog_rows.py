"""A backlog of one kind, as it stands in the database."""

import sqlite3
import time
from pathlib import Path

__all__ = ["FAR", "OPEN", "SCENES", "Scene", "put_aside"]

FAR = 86400.0
_FIRST = 8_000_000_000_001

Scene = tuple[str, str, str | None, float | None]
"""Name, outcome, what it waits for, seconds until it is due."""
SCENES: tuple[Scene, ...] = (
    ("kept back by a flag", "pending", None, None),
    ("retrying", "retrying", "channel", FAR),
    ("failed", "failed", None, None),
    ("held", "held", None, None),
    ("delivered", "delivered", None, None),
    ("skipped", "skipped", None, None),
    ("tried without a write", "dry_run", None, None),
    ("discarded", "discarded", None, None),
)
OPEN = ("pending", "retrying", "failed", "held")
WEBHOOKS = {"retrying": "waiting", "held": "failed"}


def put_aside(database: Path, scene: Scene, waiting: int) -> None:
    """Changes that are owed to the CRM; FLAG_UPDATES is what keeps pending and held ones back."""
    _, outcome, reason, seconds = scene
    now = time.time()
    due = None if seconds is None else now + seconds
    db = sqlite3.connect(database)
    with db:
        db.executemany(
            """INSERT INTO deliveries (customer_id, channel, kind, outcome, waiting, created_at,
                                       updated_at, next_attempt_at)
               VALUES (?, 'crm', 'update', ?, ?, ?, ?, ?)""",
            ((_FIRST + n, outcome, reason, now, now, due) for n in range(waiting)),
        )
        db.executemany(
            """INSERT INTO registrations (id, state, email_hash, body_hash, created_at, updated_at,
                                          next_try_at, end_at)
               VALUES (?, 'waiting', ?, x'00', ?, ?, ?, ?)""",
            (
                (f"r{n}", n.to_bytes(8, "big"), now, now, now + FAR / 2, now + FAR)
                for n in range(waiting if outcome == "failed" else 0)
            ),
        )
        db.executemany(
            """INSERT INTO events (id, source, topic, state, received_at, updated_at,
                                   next_attempt_at)
               VALUES (?, 'shopify', 'customers/update', ?, ?, ?, ?)""",
            (
                (f"shopify:{n}", WEBHOOKS[outcome], now, now, now + FAR / 4)
                for n in range(waiting if outcome in WEBHOOKS else 0)
            ),
        )
    db.close()
