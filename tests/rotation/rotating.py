"""Worlds whose secret is exchanged, and what is asked of them."""

import sqlite3
from typing import Any

from tests.duplicates.mending import store_member
from tests.world import World

__all__ = [
    "FINGERPRINTS",
    "NEW",
    "NEWER",
    "OLD",
    "STAGES",
    "begin",
    "bring_to",
    "drop_old",
    "in_database",
    "old_member",
    "rotate",
    "stored_hashes",
]

OLD = "a secret of the tests alone"
NEW = "the secret that comes after it"
NEWER = "and yet another one after that"


async def begin(world: World, *secrets: str) -> None:
    """Restart with these, newest first."""
    await world.restart(GATEWAY_SECRET=",".join(secrets or (NEW, OLD)))


async def rotate(world: World) -> dict[str, Any]:
    """`secret rotate`, to its end."""
    events = [event async for event in world.core.rotation.run(world.core.keys.fingerprint)]
    return events[-1]


async def drop_old(world: World) -> None:
    await world.restart(GATEWAY_SECRET=NEW)


FINGERPRINTS = "SELECT substr(value, -16) FROM links, json_each(links.fingerprints)"
PLANNED = """SELECT substr(value, -16) FROM deliveries, json_each(plan, '$.fields')
             WHERE outcome = 'retrying'"""

STAGES = ("begun", "rotated", "old one gone")


async def bring_to(world: World, stage: str) -> None:
    """From a world keyed by `OLD` to one of `STAGES`."""
    await begin(world)
    if stage != "begun":
        ended = await rotate(world)
        assert ended["state"] == "rotated", ended
    if stage == "old one gone":
        await drop_old(world)


async def in_database(world: World, sql: str) -> list[tuple[Any, ...]]:
    def unit(db: sqlite3.Connection) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in db.execute(sql)]

    return await world.core.db.read(unit)


async def old_member(world: World) -> int:
    """A store member of TARO's e-mail that no refresh shows again: others changed since."""
    world.sandbox.smaregi.skew = -86400.0
    till = store_member(world, customerCode="0012345")
    world.sandbox.smaregi.skew = 0.0
    store_member(world, customerCode="0099999", mailAddress="another@example.com")
    await world.core.smaregi.index.start_scan(again=True)
    return till


async def stored_hashes(world: World) -> set[str]:
    """Every keyed hash that customers, members and sign-ups under way are known by, as hex. What a
    settled delivery was decided by is read no more.
    """
    found: set[str] = set()
    for sql in (
        "SELECT email_hash FROM proofs",
        "SELECT unproven FROM links",
        "SELECT json_extract(plan, '$.unproven') FROM deliveries WHERE outcome = 'retrying'",
        "SELECT content_hash FROM deliveries WHERE outcome = 'failed'",
        "SELECT email_key FROM members",
        "SELECT kana_key FROM members",
        "SELECT mobile_key FROM signup_evidence",
        "SELECT kana_key FROM signup_evidence",
        FINGERPRINTS,
        PLANNED,
        "SELECT email_hash FROM registrations WHERE id IN (SELECT registration_id FROM intents)",
    ):
        values = [row[0] for row in await in_database(world, sql) if row[0] is not None]
        found |= {each.hex() if isinstance(each, bytes) else each for each in values}
    return {each for each in found if len(each) >= 16}
