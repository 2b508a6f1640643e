"""The active one is halted in a given moment of a sign-up, as SIGSTOP does it or a machine that is
moved; another takes its place and does all it owed; then it goes on, as if no time had passed.
"""

import asyncio
import signal
from collections import Counter
from pathlib import Path

import psycopg
import pytest

from gateway.sandbox.journal import JournalEntry
from tests.cli.process import Process
from tests.standby.gateways import until
from tests.standby.machines import Machines, everybody

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

PEOPLE = 5
HALTING = ("-m", "tests.standby.halting")


async def halted_at(found: Machines, point: str, once: Path, to: str = "SHOPIFY") -> Process:
    """The active one, which has halted itself with five sign-ups under way; the one that stands by
    has done what was owed.
    """
    variable = {"SHOPIFY": "SHOPIFY_BASE_URL", "SMAREGI": "SMAREGI_API_URL"}
    at = {"HALT_AT": point, "HALT_ONCE": str(once), "HALT_TO": variable.get(to, f"{to}_BASE_URL")}
    at["GATEWAY_RETRY_SCHEDULE"] = "1,2,5,5,5,5,5,5,5,5"
    active = await found.start(*HALTING, **at)
    await found.start(*HALTING, **{**at, "HALT_ONCE": f"{once}.never"})
    await found.register(0)
    once.touch()
    working = [asyncio.create_task(found.register(n, seconds=120)) for n in range(1, PEOPLE)]
    await until(lambda: is_stopped(active), 60)
    await asyncio.gather(*working)
    async with asyncio.timeout(120):
        while everybody(found) != [PEOPLE] * 3 or owed(found):
            await asyncio.sleep(0.1)
    return active


def is_stopped(process: Process) -> bool:
    return process.state == "T"


def owed(found: Machines) -> int:
    with psycopg.connect(found.cluster.url()) as connection:
        row = connection.execute(
            """SELECT (SELECT count(*) FROM deliveries WHERE outcome <> 'delivered')
                    + (SELECT count(*) FROM registrations WHERE state IN ('open', 'unclear'))"""
        ).fetchone()
    assert row is not None
    return int(row[0])


async def goes_on(found: Machines, halted: Process) -> list[JournalEntry]:
    """What it still wrote before it ended."""
    before = len(found.sandbox.journal)
    halted.send(signal.SIGCONT)
    assert await halted.ended() == 1
    assert "has taken this one's place" in halted.log
    await asyncio.sleep(0.5)  # what had left it arrives
    return [entry for entry in found.sandbox.journal[before:] if entry.kind == "write"]


def nobody_is_lost_or_doubled(found: Machines) -> None:
    assert everybody(found) == [PEOPLE] * 3
    assert owed(found) == 0
    ids = Counter(mail.message_id for mail in found.sandbox.mail.messages)
    assert len(ids) == PEOPLE
    assert max(ids.values()) <= 2, "once by each, with the same id"


@pytest.mark.parametrize("point", ["gate", "admission", "acceptance", "checking"])
async def test_nothing_leaves_one_that_was_halted_before_the_edges_check(
    found: Machines, point: str, tmp_path: Path
) -> None:
    halted = await halted_at(found, point, tmp_path / "once")
    assert await goes_on(found, halted) == []
    nobody_is_lost_or_doubled(found)


@pytest.mark.parametrize("to", ["SHOPIFY", "SMAREGI", "HUBSPOT"])
async def test_a_request_that_has_passed_the_edges_check_is_refused_where_it_was_done_again(
    found: Machines, to: str, tmp_path: Path
) -> None:
    """What it would make is unique there. One may leave on each connection."""
    halted = await halted_at(found, "sending", tmp_path / "once", to)
    late = await goes_on(found, halted)
    assert len(late) == 1
    assert not late[0].applied
    nobody_is_lost_or_doubled(found)


async def test_a_mail_that_has_passed_the_edges_check_comes_twice_with_the_same_id(
    found: Machines, tmp_path: Path
) -> None:
    halted = await halted_at(found, "mailing", tmp_path / "once")
    (late,) = await goes_on(found, halted)
    assert (late.system, late.applied) == ("email", True)
    nobody_is_lost_or_doubled(found)
