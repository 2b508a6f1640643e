"""A sign-up against a Smaregi that answers no more than its documents promise."""

import logging
from pathlib import Path

import pytest

from gateway.outcomes import Outcome
from gateway.sandbox import Fault, SandboxOptions, SmaregiOptions
from tests.e2e.evidence import started_quietly
from tests.world import TARO, World, a_world

BLANKS = ["text", "null", "left out"]


def store_member(world: World, code: str, **fields: str) -> int:
    named = {"lastName": "山田", "firstName": "太郎", "mailAddress": TARO["email"]}
    return world.sandbox.smaregi.add(customerCode=code, **(named | fields))


def points_read(world: World) -> int:
    return len(world.sandbox.journal.of("smaregi", "GET /customers/point"))


async def test_points_decide_between_members_with_one_e_mail(quiet: World) -> None:
    """They are no column of a member: those of these few are read, and nobody else's."""
    store_member(quiet, "A")
    most = store_member(quiet, "B")
    store_member(quiet, "C", mailAddress="other@example.com")
    quiet.sandbox.smaregi.edit(most, point="120")
    reply = await quiet.register()
    assert reply.channel("smaregi")["reference"] == str(most)
    assert points_read(quiet) == 2


async def test_nobodys_points_are_read_where_the_last_visit_decides(quiet: World) -> None:
    store_member(quiet, "A")
    last = store_member(quiet, "B")
    members = quiet.sandbox.smaregi.members
    members[last]["lastComeDateTime"] = "2026-11-01T10:00:00+09:00"
    quiet.sandbox.smaregi.edit(1, point="120")
    reply = await quiet.register()
    assert reply.channel("smaregi")["reference"] == str(last)
    assert points_read(quiet) == 0


async def test_nobody_is_linked_while_the_points_that_decide_cannot_be_read(quiet: World) -> None:
    store_member(quiet, "A")
    most = store_member(quiet, "B")
    quiet.sandbox.smaregi.edit(most, point="120")
    quiet.sandbox.faults.set("smaregi", Fault("status", status=503, match="/point"))
    reply = await quiet.register()
    assert reply.channel("smaregi")["outcome"] == "retrying"
    quiet.sandbox.faults.clear()
    await quiet.replay(channel="smaregi")
    (delivery,) = await quiet.deliveries(channels=("smaregi",))
    assert delivery.reference == str(most)


@pytest.mark.parametrize("blanks", BLANKS)
@pytest.mark.parametrize("known", [True, False])
async def test_a_member_may_lack_every_column_that_is_optional(
    tmp_path: Path, blanks: str, known: bool
) -> None:
    options = SandboxOptions(smaregi=SmaregiOptions(blanks=blanks))  # type: ignore[arg-type]
    async with a_world(tmp_path, options, GATEWAY_AUTO_REPLAY="false") as world:
        await started_quietly(world)
        if known:
            store_member(world, "A")
        reply = await world.register()
        action = "linked" if known else "created"
        assert reply.channel("smaregi") == {
            "outcome": "delivered",
            "action": action,
            "reference": "1",
        }
        number = reply.body["member_number"]
        changed = await world.patch(f"/v1/customers/{number}", {"birth_date": None, "phone": None})
        assert changed.status == 200, changed.body
        assert not world.sandbox.smaregi.members[1]["birthDate"]


async def test_the_index_goes_on_where_its_list_of_columns_is_refused(
    quiet: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    store_member(quiet, "A")
    refused = Fault("status", status=400, match="GET /customers", times=1)
    quiet.sandbox.faults.set("smaregi", refused)
    await quiet.core.smaregi.index.fresh()
    reply = await quiet.register()
    assert reply.channel("smaregi")["action"] == "linked"
    assert len([r for r in caplog.records if "list of columns" in r.message]) == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"SMAREGI_CONTRACT_ID": "sb_other"}, "SMAREGI_CONTRACT_ID"),
        ({"SMAREGI_CLIENT_ID": "another"}, "SMAREGI_CLIENT_ID"),
    ],
)
async def test_a_wrong_contract_or_client_blames_no_customer(
    tmp_path: Path, wrong: dict[str, str], told: str
) -> None:
    async with a_world(tmp_path, None, GATEWAY_AUTO_REPLAY="false", **wrong) as world:
        await world.register()
        (delivery,) = await world.deliveries(channels=("smaregi",))
        assert (delivery.outcome, delivery.error_class) == (Outcome.RETRYING, "auth")
        assert delivery.attempts == 0
        assert told in (delivery.message or "")


async def test_a_token_without_the_scope_to_write_pauses_the_channel_and_names_it(
    tmp_path: Path,
) -> None:
    """Once the scope is there the next attempt gets it: its token is a new one."""
    options = SmaregiOptions(scopes=frozenset({"pos.customers:read"}))
    async with a_world(
        tmp_path, SandboxOptions(smaregi=options), GATEWAY_AUTO_REPLAY="false"
    ) as world:
        (found,) = await world.core.smaregi.check()
        assert (found.ok, "pos.customers:write" in found.detail) == (False, True)
        await world.register()
        (delivery,) = await world.deliveries(channels=("smaregi",))
        assert (delivery.outcome, delivery.attempts) == (Outcome.RETRYING, 0)
        assert "pos.customers:write" in (delivery.message or "")
        world.sandbox.smaregi.scopes |= {"pos.customers:write"}
        await world.replay(channel="smaregi")
        (delivery,) = await world.deliveries(channels=("smaregi",))
        assert delivery.outcome is Outcome.DELIVERED


@pytest.mark.parametrize("status", [400, 408, 409, 423, 425, 430, 499, 500])
async def test_a_create_that_was_carried_out_whatever_was_answered_is_found(
    quiet: World, status: int
) -> None:
    quiet.sandbox.faults.set(
        "smaregi", Fault("status", status=status, match="POST /customers", times=1, applied=True)
    )
    reply = await quiet.register()
    assert reply.channel("smaregi")["outcome"] == "delivered"
    assert len(quiet.sandbox.smaregi.members) == 1
