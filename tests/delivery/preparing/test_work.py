"""What an attempt is handed: its work, the member number, what was given before."""

import asyncio
from typing import Any

import orjson
import pytest

from flags import Flag, FlagSet, Mode
from gateway.channels import Work
from gateway.outcomes import Delivery, Kind, Outcome
from gateway.store import Keys, links
from gateway.wire import dry_run
from tests.delivery.heart import HANAKO, TARO, Heart, a_customer


async def work_of(heart: Heart, delivery: Delivery, *, fresh: bool = False, **who: Any) -> Work:
    customer = a_customer(delivery.customer_id, **who)
    work, _ = await heart.delivery.preparation.prepare(delivery, customer, fresh=fresh)
    return work


async def test_the_work_says_whom_and_what_for(heart: Heart) -> None:
    heart.link()
    delivery = heart.change(heart.owed(kind=Kind.UPDATE), plan='{"id": 3}')
    work = await work_of(heart, delivery)
    assert (work.customer, work.kind, work.fresh) == (a_customer(), Kind.UPDATE, False)
    assert work.link == links.get(heart.db.connection, "smaregi", TARO)
    assert (work.plan, work.only, work.retried) == ({"id": 3}, None, False)
    assert work.fields() == {"name": "山田"}


@pytest.mark.parametrize(
    ("columns", "retried"),
    [({"attempts": 1}, False), ({"attempts": 2}, True), ({"version": 2}, True)],
)
async def test_an_earlier_attempt_may_have_made_the_record(
    heart: Heart, columns: dict[str, int], retried: bool
) -> None:
    work = await work_of(heart, heart.change(heart.owed(), **columns))
    assert work.retried is retried


@pytest.mark.parametrize(
    ("mode", "number"),
    [(Mode.ON, str(TARO)), (Mode.HOLD, str(TARO)), (Mode.OFF, ""), (Mode.DRY_RUN, "")],
)
@pytest.mark.parametrize("fresh", [True, False])
async def test_the_member_number_to_be_is_told_while_the_pos_will_have_the_customer(
    heart: Heart, mode: Mode, number: str, fresh: bool
) -> None:
    heart.modes["smaregi"] = mode
    work = await work_of(heart, heart.owed("mail"), fresh=fresh)
    assert (await work.number(), work.fresh) == (number, fresh)


async def test_a_linked_members_own_number_is_told(heart: Heart) -> None:
    heart.link(member_number="900")
    work = await work_of(heart, heart.owed("mail"))
    assert await work.number() == "900"


async def test_what_a_linked_record_was_given_is_known_from_its_link(heart: Heart) -> None:
    heart.link("crm", fingerprints='{"name": "b0"}')
    delivery = heart.change(heart.owed("crm"), plan='{"fields": {"name": "sX"}}')
    assert (await work_of(heart, delivery)).last_sent.fingerprints == {"name": "b0"}


async def test_before_there_is_a_link_it_is_known_from_the_plan(heart: Heart) -> None:
    delivery = heart.change(heart.owed("crm"), plan='{"fields": {"name": "sX"}}')
    assert (await work_of(heart, delivery)).last_sent.fingerprints == {"name": "sX"}
    assert (await work_of(heart, heart.owed("smaregi"))).last_sent.fingerprints is None


async def test_an_opt_out_insists_on_its_field_and_nobody_else_does(heart: Heart) -> None:
    heart.link("crm", fingerprints='{"consent": "b0"}')
    heart.link("crm", HANAKO, fingerprints='{"consent": "b0"}')
    urgent = heart.owed("crm", kind=Kind.UPDATE, urgent=True)
    calm = heart.owed("crm", kind=Kind.UPDATE, customer=HANAKO)
    assert (await work_of(heart, urgent)).last_sent.fingerprints == {"consent": "s?"}
    assert (await work_of(heart, calm)).last_sent.fingerprints == {"consent": "b0"}


async def test_a_plan_is_kept_with_what_the_record_will_have_been_given(heart: Heart) -> None:
    delivery = heart.owed("crm")
    work = await work_of(heart, delivery)
    await work.save_plan({"id": 3})
    given = heart.delivery.preparation.last_sent("crm", TARO, None)
    assert heart.row(delivery).plan == {"id": 3, "fields": given.after({"name": "山田"}, {})}


async def test_what_is_about_to_be_sent_to_a_linked_record_is_written_down_first(
    heart: Heart,
) -> None:
    heart.link("crm", fingerprints='{"name": "b0", "phone": "b1"}')
    heart.link("crm", HANAKO, fingerprints="{}")
    work = await work_of(heart, heart.owed("crm"))
    await work.announce({"name": "佐藤"})

    def fields(customer: int) -> object:
        found = links.get(heart.db.connection, "crm", customer)
        assert found is not None
        return found.fingerprints

    assert fields(TARO) == {"name": "s?", "phone": "b1"}
    assert fields(HANAKO) == {}


async def test_a_rehearsal_and_a_record_without_a_link_announce_nothing(heart: Heart) -> None:
    work = await work_of(heart, heart.owed("crm"))
    await work.announce({"name": "佐藤"})
    assert heart.db.writes == 0
    heart.link("smaregi", fingerprints='{"name": "b0"}')
    work = await work_of(heart, heart.owed("smaregi"))

    async def rehearse() -> None:
        dry_run.set(True)
        await work.announce({"name": "佐藤"})

    await asyncio.create_task(rehearse())
    assert heart.db.writes == 0


async def test_only_an_urgent_change_of_a_linked_record_asks_what_the_flag_keeps_back(
    heart: Heart,
) -> None:
    async def mode_of(delivery: Delivery, *, fresh: bool = False) -> Mode:
        customer = a_customer(delivery.customer_id)
        _, mode = await heart.delivery.preparation.prepare(delivery, customer, fresh=fresh)
        return mode

    heart.modes["crm"] = Mode.HOLD
    urgent = heart.owed("crm", kind=Kind.UPDATE, urgent=True)
    assert await mode_of(urgent) is Mode.ON, "there is no record yet"
    heart.link("crm")
    assert await mode_of(urgent) is Mode.HOLD
    assert await mode_of(urgent, fresh=True) is Mode.ON
    assert await mode_of(heart.change(urgent, urgent=0)) is Mode.ON
    assert await mode_of(heart.change(urgent, urgent=1, outcome="dry_run")) is Mode.ON


async def test_the_percentage_keeps_no_change_back_from_a_linked_record(heart: Heart) -> None:
    heart.percent["crm"] = 0.0
    heart.link("crm")
    urgent = heart.owed("crm", kind=Kind.UPDATE, urgent=True)
    _, mode = await heart.delivery.preparation.prepare(urgent, a_customer(), fresh=False)
    assert mode is Mode.ON


async def test_an_allow_list_of_changes_lets_all_of_an_urgent_one_go(heart: Heart) -> None:
    address = a_customer().profile.email
    updates = Flag("FLAG_UPDATES", Mode.ON, percent=0.0, allow=frozenset({address}))
    others = {f"FLAG_{name}": Flag(f"FLAG_{name}", Mode.ON) for name in ("CRM", "SMAREGI")}
    flags = FlagSet({"FLAG_UPDATES": updates, **others})
    heart.flags = lambda: flags  # type: ignore[method-assign]
    heart.link("crm")
    urgent = heart.owed("crm", kind=Kind.UPDATE, urgent=True)
    _, mode = await heart.delivery.preparation.prepare(urgent, a_customer(), fresh=False)
    assert mode is Mode.ON
    _, mode = await heart.delivery.preparation.prepare(
        urgent, a_customer(email="other@example.com"), fresh=False
    )
    assert mode is Mode.HOLD


# -- the member number


async def test_an_unproven_members_number_is_not_told(heart: Heart) -> None:
    works = heart.delivery.preparation
    heart.link(member_number="900", unproven=b"hash")
    assert await works.member_number(TARO, [heart.owed()]) is None


async def test_an_unproven_member_whose_number_is_the_customers_own_is_told(heart: Heart) -> None:
    heart.link(member_number=str(TARO), unproven=b"hash")
    assert await heart.delivery.preparation.member_number(TARO) == str(TARO)


@pytest.mark.parametrize(
    ("channel", "kind", "outcome", "number"),
    [
        ("smaregi", Kind.REGISTRATION, Outcome.PENDING, str(TARO)),
        ("smaregi", Kind.REGISTRATION, Outcome.FAILED, str(TARO)),
        ("smaregi", Kind.REMOVAL, Outcome.PENDING, None),
        ("smaregi", Kind.REGISTRATION, Outcome.SKIPPED, None),
        ("crm", Kind.REGISTRATION, Outcome.PENDING, None),
    ],
)
async def test_without_a_link_the_number_follows_from_what_is_owed(
    heart: Heart, channel: str, kind: Kind, outcome: Outcome, number: str | None
) -> None:
    owed = heart.owed(channel, outcome, kind=kind)
    works = heart.delivery.preparation
    assert await works.member_number(TARO, [owed]) == number
    assert works.number_beforehand(TARO, [owed]) == number


async def test_no_number_is_told_beforehand_where_the_settings_give_another(
    heart: Heart,
) -> None:
    heart.channels["smaregi"].numbers_by_rule = False
    assert await heart.delivery.preparation.member_number(TARO, [heart.owed()]) is None
    work = await work_of(heart, heart.owed("mail"))
    assert await work.number() == ""


async def test_a_link_without_a_number_tells_what_is_owed(heart: Heart) -> None:
    heart.link()
    assert await heart.delivery.preparation.member_number(TARO, [heart.owed()]) == str(TARO)


# -- what was given


async def test_marks_are_bound_to_channel_customer_and_secret(heart: Heart) -> None:
    heart.delivery.preparation._keys = Keys("new", "old")
    given = heart.delivery.preparation.last_sent("crm", TARO, {"name": "b0"})
    assert given.fingerprints == {"name": "b0"}
    scope = f"crm {TARO}"
    assert given._hashed({"name": "x"}) == Keys("new").field_fingerprints(scope, {"name": "x"})
    assert [older({"name": "x"}) for older in given._before] == [
        Keys("old").field_fingerprints(scope, {"name": "x"})
    ]


async def test_a_customers_state_is_keyed_by_every_secret_newest_first(heart: Heart) -> None:
    works = heart.delivery.preparation
    works._keys = Keys("new", "old")
    whole = orjson.dumps(a_customer().profile).decode()
    expected = [
        Keys(each).field_fingerprints(f"crm {TARO}", {"": whole})[""] for each in ("new", "old")
    ]
    assert works.content_hashes("crm", a_customer()) == expected
    assert works.content_hash("crm", a_customer()) == expected[0]
    assert works.emails(a_customer()) == Keys("new", "old").emails(f"c{TARO}@example.com")


async def test_a_turn_is_of_one_customer_at_one_channel(heart: Heart) -> None:
    works = heart.delivery.preparation
    async with works.turn("crm", TARO):
        async with works.turn("smaregi", TARO), works.turn("crm", HANAKO):
            pass
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0), works.turn("crm", TARO):
                pytest.fail("another one has it")


async def test_whether_just_this_is_being_sent_is_known_while_it_is(heart: Heart) -> None:
    works = heart.delivery.preparation
    works.sending["crm", TARO] = a_customer()
    assert works.is_sending("crm", a_customer())
    assert not works.is_sending("crm", a_customer(last_name="佐藤"))
    assert not works.is_sending("smaregi", a_customer())


async def test_an_attempt_says_what_it_is_sending(heart: Heart) -> None:
    seen = []

    async def looks(work: Work) -> Any:
        seen.append(heart.delivery.preparation.is_sending("crm", a_customer()))
        raise asyncio.CancelledError

    heart.channels["crm"].ends = [looks]
    with pytest.raises(asyncio.CancelledError):
        await heart.attempts.make(heart.owed("crm", claimed=True), a_customer(), fresh=False)
    assert seen == [True]
    assert not heart.delivery.preparation.is_sending("crm", a_customer())
