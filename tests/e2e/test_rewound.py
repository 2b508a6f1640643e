"""A database that was put back to an older day: what was done since is not done again."""

from pathlib import Path

from gateway.outcomes import Outcome
from tests.rewound import back_up, put_back
from tests.world import a_world


async def test_what_was_delivered_since_the_backup_reaches_nobody_twice(tmp_path: Path) -> None:
    async with a_world(tmp_path, FLAG_SMAREGI="hold", FLAG_CRM="hold", FLAG_EMAIL="hold") as world:
        await world.register()
        await back_up(world, tmp_path / "b.db")
        world.set(FLAG_SMAREGI="on", FLAG_CRM="on", FLAG_EMAIL="on")
        await world.replay()
        mails = world.sandbox.mail.messages
        there = (world.sandbox.smaregi.members, world.sandbox.hubspot.contacts, mails)
        assert [len(each) for each in there] == [1, 1, 1]
        await put_back(world, tmp_path / "b.db")
        await world.replay()
        assert [len(each) for each in there] == [1, 1, 1]
        email = next(each for each in await world.deliveries() if each.channel == "email")
        assert (email.outcome, email.error_class) == (Outcome.FAILED, "too_late")
        assert "may have been sent since" in (email.message or "")
        others = [each for each in await world.deliveries() if each.channel != "email"]
        assert {each.outcome for each in others} == {Outcome.DELIVERED}


async def test_ids_that_were_given_since_the_backup_are_not_given_again(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        await back_up(world, tmp_path / "b.db")
        await world.register()
        since = {each.id for each in await world.deliveries()}
        await put_back(world, tmp_path / "b.db")
        await world.register(email="hanako@example.com", phone=None)
        again = {each.id for each in await world.deliveries()}
        assert len(since) == len(again) == 3
        assert not since & again
