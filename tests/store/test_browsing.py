"""Whoever looks through many rows leaves the database to others in between."""

import asyncio
import sqlite3
from pathlib import Path

from gateway.outcomes import DeliveryFilter
from gateway.store import Database, search

COMMANDS = 10


async def test_a_sign_up_waits_behind_one_of_those_who_look_through_the_outbox(
    tmp_path: Path,
) -> None:
    ran: list[str] = []
    db = Database(tmp_path / "gateway.db")
    await db.open()

    def told(statement: str) -> None:
        looks = "deliveries" in statement.lower()
        ran.extend(["look"] if looks else ["sign-up"] if "sign-up" in statement else [])

    def sign_up(connection: sqlite3.Connection) -> None:
        connection.execute("SELECT 'sign-up'").fetchall()

    try:
        await db.read(lambda connection: connection.set_trace_callback(told))
        looking = [asyncio.create_task(search.count(db, DeliveryFilter())) for _ in range(COMMANDS)]
        await asyncio.sleep(0)
        await db.read(sign_up)
        before = ran.index("sign-up")
        await asyncio.gather(*looking)
    finally:
        await db.close()
    assert len(ran) > COMMANDS
    assert before <= 2
