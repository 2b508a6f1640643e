"""What an attempt is handed, what the flags say of it, and what a proven e-mail sets going."""

import asyncio
import sqlite3
from typing import Any

import orjson
import pytest

from flags import Decision, Flag, FlagSet, Mode, Reason
from gateway.channels import Work
from gateway.outcomes import Delivery, Kind, Outcome
from gateway.store import Keys, links, outbox
from gateway.wire import dry_run
from tests.delivery.heart import HANAKO, TARO, Heart, TheSettings, a_customer


@pytest.fixture
async def heart() -> Heart:
    return Heart()


async def work_of(heart: Heart, delivery: Delivery, *, fresh: bool = False, **who: Any) -> Work:
    customer = a_customer(delivery.customer_id, **who)
    work, _ = await heart.delivery.preparation.prepare(delivery, customer, fresh=fresh)
    return work


# -- the work


async def test_the_work_says_whom_and_what_for(heart: Heart) -> None:
    heart.link()
    delivery = heart.change(heart.owed(kind=Kind.UPDATE), plan='{"id": 3}')
    work = await work_of(heart, delivery)
    assert (work.customer, work.kind, work.fresh) == (a_customer(), Kind.UPDATE, False)
    assert work.link == links.get(heart.db.connection, "smaregi", TARO)
    assert (work.plan, work.only, work.retried) == ({"id": 3}, None, False)
    assert work.fields() == {"name": "山田"}
    assert work.fields() is work.fields(), "asked once"


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
    assert (work.number, work.fresh) == (number, fresh)


async def test_a_linked_members_own_number_is_told(heart: Heart) -> None:
    heart.link(member_number="900")
    assert (await work_of(heart, heart.owed("mail"))).number == "900"


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
    assert (await work_of(heart, heart.owed("mail"))).number == ""


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
    turn = works.turn("crm", TARO)
    assert works.turn("crm", TARO) is turn
    assert works.turn("smaregi", TARO) is not turn
    assert works.turn("crm", HANAKO) is not turn


async def test_whether_just_this_is_being_sent_is_known_while_it_is(heart: Heart) -> None:
    works = heart.delivery.preparation
    with works.under_way("crm", a_customer()):
        assert works.is_sending("crm", a_customer())
        assert not works.is_sending("crm", a_customer(last_name="佐藤"))
        assert not works.is_sending("smaregi", a_customer())
    assert not works.is_sending("crm", a_customer())


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


# -- the flags


async def kept_back(heart: Heart, delivery: Delivery, *, gone: bool = False) -> bool:
    customer = None if gone else a_customer(delivery.customer_id)
    return await heart.delivery.preparation.is_kept_back(delivery, customer)


async def test_a_delivery_is_kept_back_by_its_channels_flag(heart: Heart) -> None:
    delivery = heart.owed("crm")
    assert not await kept_back(heart, delivery)
    heart.modes["crm"] = Mode.HOLD
    assert await kept_back(heart, delivery)
    assert await kept_back(heart, delivery, gone=True)
    assert not await kept_back(heart, heart.owed("smaregi"))


async def test_a_change_goes_by_the_stricter_of_two_flags(heart: Heart) -> None:
    change, sign_up = heart.owed("crm", kind=Kind.UPDATE), heart.owed("smaregi")
    heart.modes["updates"] = Mode.OFF
    assert await kept_back(heart, change)
    assert not await kept_back(heart, sign_up)
    assert not heart.delivery.preparation.flag_policy.may_be(change)
    assert heart.delivery.preparation.flag_policy.may_be(sign_up)


async def test_the_percentage_counts_until_the_channel_has_the_customer(heart: Heart) -> None:
    heart.percent["crm"] = 0.0
    change = heart.owed("crm", kind=Kind.UPDATE)
    assert await kept_back(heart, change)
    heart.link("crm")
    assert not await kept_back(heart, change)
    again = heart.change(change, kind="backfill")
    assert await kept_back(heart, again), "only a change is of a record that is there"
    heart.modes["crm"] = Mode.HOLD
    assert await kept_back(heart, heart.change(change, kind="update"))


async def test_the_allow_list_is_asked_where_the_e_mail_is_at_hand(
    heart: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flags.allow import read_allow

    allow = read_allow(f"c{TARO}@example.com")[0]
    flags = {
        name: Flag(name, Mode.ON, percent=0.0, allow=frozenset(allow))
        for name in ("FLAG_CRM", "FLAG_UPDATES")
    }
    heart.flags = lambda: FlagSet(flags)  # type: ignore[method-assign]
    sign_up = heart.owed("crm")
    assert not await kept_back(heart, sign_up)
    assert await kept_back(heart, sign_up, gone=True)
    assert heart.delivery.preparation.flag_policy.may_be(sign_up), "it has still to be asked"
    change = heart.change(sign_up, kind="update")
    assert not await kept_back(heart, change)
    assert heart.delivery.preparation.flag_policy.may_be(change)


async def test_a_percentage_of_a_channel_may_let_any_change_go_and_a_changes_own_may_not(
    heart: Heart,
) -> None:
    may_be = heart.delivery.preparation.flag_policy.may_be
    change, sign_up = heart.owed("crm", kind=Kind.UPDATE), heart.owed("smaregi")
    heart.percent["crm"] = heart.percent["smaregi"] = 0.0
    assert may_be(change), "it may have a record"
    assert not may_be(sign_up)
    heart.modes["crm"] = Mode.HOLD
    assert not may_be(change)
    heart.modes["crm"] = Mode.ON
    heart.percent["updates"] = 0.0
    assert not may_be(change)


async def test_the_flags_are_asked_of_this_very_customer(heart: Heart) -> None:
    permission = heart.delivery.preparation.flag_policy
    heart.percent |= {"crm": 50.0}
    own = heart.flags()["crm"]
    for customer in range(30):
        asked = permission.decide("crm", customer, Kind.BACKFILL)
        assert asked == own.decide(customer)
        delivery = heart.owed("crm", customer=customer)
        assert permission.may_be(delivery) is (asked.mode is Mode.ON)
        assert await kept_back(heart, delivery) is (asked.mode is not Mode.ON)
    heart.percent = {"updates": 50.0}
    updates = heart.flags()["updates"]
    for customer in range(30, 60):
        mode = permission.decide("crm", customer, Kind.UPDATE).mode
        assert mode is updates.decide(customer).mode
        heart.link("crm", customer)
        urgent = heart.owed("crm", customer=customer, kind=Kind.UPDATE, urgent=True)
        prepared = await heart.delivery.preparation.prepare(
            urgent, a_customer(customer), fresh=False
        )
        assert prepared[1] is mode


async def test_what_goes_whatever_the_percentage_is_says_so(heart: Heart) -> None:
    permission = heart.delivery.preparation.flag_policy
    heart.percent["crm"] = 0.0
    goes = Decision(Mode.ON, Reason.SET)
    assert permission.decide("crm", TARO, Kind.REMOVAL) == goes
    assert permission.decide("crm", TARO, Kind.UPDATE, linked=True) == goes
    assert permission.decide("crm", TARO, Kind.UPDATE).mode is Mode.HOLD


async def test_a_removal_goes_whatever_the_flags_say(heart: Heart) -> None:
    heart.modes |= {"crm": Mode.OFF, "updates": Mode.OFF}
    removal = heart.owed("crm", kind=Kind.REMOVAL)
    assert heart.delivery.preparation.flag_policy.may_be(removal)
    assert not await kept_back(heart, removal, gone=True)


async def test_an_urgent_one_is_kept_back_only_where_the_channel_cannot_be_called(
    heart: Heart,
) -> None:
    heart.modes["crm"] = Mode.OFF
    urgent = heart.owed("crm", kind=Kind.UPDATE, urgent=True)
    assert not await kept_back(heart, urgent)
    heart.settings["crm"] = TheSettings(lacking="CRM_TOKEN: is not set")
    assert await kept_back(heart, urgent)


# -- an e-mail is known to be theirs


def hashes(heart: Heart, customer: int = TARO) -> tuple[bytes, ...]:
    return heart.delivery.preparation.emails(a_customer(customer))


def unproven(heart: Heart, customer: int = TARO) -> object:
    link = links.get(heart.db.connection, "smaregi", customer)
    assert link is not None
    return link.unproven


def owed_to(heart: Heart, customer: int = TARO) -> list[tuple[str, str, str]]:
    found = outbox.open_of(heart.db.connection, [customer]).values()
    return [(d.channel, str(d.kind), str(d.outcome)) for d in found]


@pytest.mark.parametrize(
    ("mode", "owed"),
    [
        (Mode.ON, [("smaregi", "update", "pending")]),
        (Mode.HOLD, [("smaregi", "update", "held")]),
        (Mode.OFF, []),
        (Mode.DRY_RUN, []),
    ],
)
async def test_a_proof_releases_the_link_and_owes_it_what_it_kept_off(
    heart: Heart, mode: Mode, owed: list[tuple[str, str, str]]
) -> None:
    heart.modes["updates"] = mode
    heart.link(unproven=hashes(heart)[0])
    await heart.delivery.proofs.prove(TARO, hashes(heart))
    assert unproven(heart) is None
    assert owed_to(heart) == owed
    assert heart.woken == ["smaregi"]
    rows = heart.db.connection.execute("SELECT * FROM deliveries").fetchall()
    assert [row["created_at"] for row in rows] == [heart.clock.now] * len(owed)
    assert [row["registration_id"] for row in rows] == [None] * len(owed)


async def test_the_percentage_does_not_keep_a_released_link_waiting(heart: Heart) -> None:
    heart.percent["smaregi"] = 0.0
    heart.link(unproven=hashes(heart)[0])
    await heart.delivery.proofs.prove(TARO, hashes(heart))
    assert owed_to(heart) == [("smaregi", "update", "pending")]


async def test_a_released_link_outside_the_percentage_of_changes_is_held(heart: Heart) -> None:
    heart.percent["updates"] = 50.0
    updates = heart.flags()["updates"]
    for customer in range(1, 11):
        heart.link("smaregi", customer, unproven=hashes(heart, customer)[0])
        await heart.delivery.proofs.prove(customer, hashes(heart, customer))
        inside = updates.decide(customer).mode is Mode.ON
        assert owed_to(heart, customer) == [("smaregi", "update", "pending" if inside else "held")]


async def test_a_proof_brings_a_conflict_at_the_pos_forward(heart: Heart) -> None:
    conflict = heart.change(heart.owed(), outcome="failed", error_class="conflict", attempts=4)
    other = heart.change(heart.owed("crm"), outcome="failed", error_class="conflict", attempts=4)
    await heart.delivery.proofs.prove(TARO, hashes(heart))
    row = heart.row(conflict)
    assert (row.outcome, row.attempts, row.version) == (Outcome.PENDING, 0, 2)
    assert row.next_attempt_at == heart.clock.now
    assert heart.row(other) == other


async def test_what_was_proven_before_is_no_news(heart: Heart) -> None:
    await heart.delivery.proofs.prove(TARO, hashes(heart))
    writes = heart.db.writes
    await heart.delivery.proofs.prove(TARO, hashes(heart))
    assert (heart.db.writes, heart.woken) == (writes, ["smaregi"])


async def test_a_first_sign_in_proves_the_e_mail_of_that_day_and_no_later_one(
    heart: Heart,
) -> None:
    await heart.delivery.proofs.signed_in(a_customer())
    proof = "SELECT email_hash, signed_in FROM proofs WHERE customer_id = ?"

    def kept() -> tuple[object, ...]:
        row: sqlite3.Row = heart.db.connection.execute(proof, (TARO,)).fetchone()
        return tuple(row)

    assert kept() == (hashes(heart)[0], 1)
    await heart.delivery.proofs.signed_in(a_customer(email="other@example.com"))
    assert kept() == (hashes(heart)[0], 1)
    await heart.delivery.proofs.prove(TARO, heart.keys.emails("third@example.com"))
    assert kept() == (heart.keys.email("third@example.com"), 1)
    await heart.delivery.proofs.prove(HANAKO, hashes(heart, HANAKO))
    row = heart.db.connection.execute(proof, (HANAKO,)).fetchone()
    assert row["signed_in"] == 0


async def test_what_waits_for_a_proof_that_is_there_is_released(heart: Heart) -> None:
    heart.link()
    await heart.delivery.proofs.prove(TARO, hashes(heart))
    heart.woken.clear()
    await heart.delivery.proofs.release(TARO)
    assert (heart.woken, owed_to(heart)) == ([], [])
    heart.change_link(unproven=hashes(heart)[0])
    await heart.delivery.proofs.release(TARO)
    assert (heart.woken, unproven(heart)) == (["smaregi"], None)
    assert owed_to(heart) == [("smaregi", "update", "pending")]


async def test_a_person_says_that_a_linked_record_is_theirs(heart: Heart) -> None:
    heart.link(unproven=b"hash")
    assert not await heart.delivery.proofs.trust(TARO, "another")
    assert (unproven(heart), owed_to(heart)) == (b"hash", [])
    assert await heart.delivery.proofs.trust(TARO, f"smaregi-{TARO}")
    assert (unproven(heart), owed_to(heart)) == (None, [("smaregi", "update", "pending")])
    assert heart.woken == ["smaregi", "smaregi"], "whatever waited is looked at"
