"""Columns that a contract requires: filled, noted, read again, and never in anybody's way."""

import asyncio
import logging
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.channels.smaregi import Smaregi
from gateway.channels.smaregi.mapping import member_fields
from gateway.channels.smaregi.required_columns import RequiredColumns, cannot_fill, filled
from gateway.customer import Customer, Profile
from gateway.errors import ErrorClass, UpstreamError
from gateway.sandbox import Fault
from gateway.sandbox.smaregi.fields import RULES, refusal
from tests.channels.works import TARO
from tests.world import World, a_world, registration

NOBODY = Customer(7000000000001, Profile("x@example.com", "", ""))
TODAY = 1_790_000_000.0
UNFILLABLE = {"staffRank", "leaveDate"}


def body_for(customer: Customer, *columns: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    return filled(member_fields(customer)[0], columns, TODAY)


@pytest.mark.parametrize("column", sorted(set(RULES) - UNFILLABLE))
def test_whatever_a_registration_lacks_is_filled_with_what_smaregi_takes(column: str) -> None:
    fields, _ = body_for(NOBODY, column)
    assert refusal(fields, frozenset({column}), creating=True) is None


def test_what_nobody_can_make_up_is_left_to_a_person() -> None:
    assert cannot_fill({*RULES, "ownColumn"}) == ["leaveDate", "ownColumn", "staffRank"]
    fields, notes = body_for(NOBODY, "leaveDate", "ownColumn", "staffRank")
    assert fields.keys().isdisjoint({"leaveDate", "ownColumn", "staffRank"})
    assert {note["field"] for note in notes} == {"last_name", "first_name"}


def test_nothing_that_was_told_is_replaced() -> None:
    told, _ = member_fields(TARO)
    fields, notes = body_for(TARO, *told)
    assert fields == told
    assert notes == []


def test_each_filling_is_noted_under_our_fields_name() -> None:
    _, notes = body_for(NOBODY, "lastKana", "birthDate", "phoneNumber", "companyName")
    assert {note["field"]: note["change"] for note in notes} == {
        "last_name": "filled with 未入力",
        "first_name": "filled with 未入力",
        "last_kana": "filled with ミニュウリョク",
        "birth_date": "filled with 1900-01-01",
        "phone": "filled with 000-0000-0000",
        "companyName": "filled with 未入力",
    }


def test_the_one_telephone_number_goes_before_a_placeholder() -> None:
    fields, notes = body_for(TARO, "phoneNumber")
    assert fields["phoneNumber"] == fields["mobileNumber"] == "090-1234-5678"
    assert [note["field"] for note in notes] == ["phone"]
    assert "090" not in notes[0]["change"]


class Source:
    """Smaregi's answers to the question, one by one; the last is given again."""

    def __init__(self, *said: Any) -> None:
        self.said = list(said)
        self.asked = 0
        self.now = 0.0

    async def read(self) -> list[str]:
        self.asked += 1
        answer = self.said.pop(0) if len(self.said) > 1 else self.said[0]
        if isinstance(answer, Exception):
            raise answer
        return list(answer)

    def columns(self) -> RequiredColumns:
        return RequiredColumns(self.read, lambda: self.now)


DOWN = UpstreamError("smaregi", "read required columns", ErrorClass.UNAVAILABLE, "HTTP 503")


async def test_they_are_asked_for_once_an_hour() -> None:
    source = Source(["lastKana"])
    columns = source.columns()
    for now, asked in ((0.0, 1), (3599.0, 1), (3600.0, 2)):
        source.now = now
        columns.keep_fresh()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert source.asked == asked
    assert columns.names == {"lastKana"}


async def test_while_they_cannot_be_read_the_last_known_are_used_and_it_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    source = Source(DOWN, ["sex"], DOWN, DOWN)
    columns = source.columns()
    await columns.read_again()
    assert columns.names == frozenset()
    await columns.read_again()
    await columns.read_again()
    await columns.read_again()
    assert columns.names == {"sex"}
    assert len(caplog.records) == 2  # once for each time of trouble


async def test_many_who_ask_at_once_share_one_question() -> None:
    source = Source(["sex"])
    columns = source.columns()
    await asyncio.gather(*(columns.read_again() for _ in range(20)))
    assert source.asked == 1


async def test_columns_are_known_in_either_way_of_writing() -> None:
    columns = Source(["last_kana", "firstKana"]).columns()
    await columns.read_again()
    assert columns.names == {"lastKana", "firstKana"}


# -- through the front door

BARE = dict.fromkeys(("last_kana", "first_kana", "phone", "birth_date", "address"))


def smaregi_of(world: World) -> Smaregi:
    return cast(Smaregi, world.core.deliverer.routes["smaregi"].channel)


async def test_a_column_required_since_the_start_is_filled_at_the_first_refusal(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path) as world:
        await world.until(lambda: smaregi_of(world).required.known)
        world.sandbox.smaregi.required = {"lastKana", "firstKana", "birthDate", "address"}
        reply = await world.register(**BARE)
        assert reply.channel("smaregi")["outcome"] == "delivered", reply.body
        (member,) = world.sandbox.smaregi.members
        row = world.sandbox.smaregi.members[member]
        (delivery,) = await world.deliveries(channels=("smaregi",))
        shown = await world.get("/v1/deliveries?channel=smaregi")
        second = await world.register(**BARE | {"email": "next@example.com"})
        creates = [e for e in world.sandbox.journal.writes("smaregi") if not e.applied]
    assert (row["lastKana"], row["birthDate"]) == ("ミニュウリョク", "1900-01-01")
    noted = {note["field"] for note in delivery.adjustments}
    assert noted == {"last_kana", "first_kana", "birth_date", "address"}
    assert shown.body["deliveries"][0]["adjustments"] == list(delivery.adjustments)
    assert second.channel("smaregi")["outcome"] == "delivered"
    assert len(creates) == 1  # the second sign-up was refused nothing


async def test_a_column_of_the_contracts_own_is_named_in_the_refusal_and_by_check(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path) as world:
        world.sandbox.smaregi.required = {"shoeSize"}
        reply = await world.post("/v1/registrations", registration())
        smaregi = reply.channel("smaregi")
        told, _ = await smaregi_of(world).check()
    assert (smaregi["outcome"], smaregi["error_class"]) == ("failed", "invalid_data")
    assert "shoeSize" in smaregi["message"]
    assert not told.ok
    assert "shoeSize" in told.detail


async def test_columns_that_cannot_be_read_hold_up_neither_start_nor_delivery(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path) as world:
        await world.stop()
        match = "customer_required_column_setting"
        world.sandbox.faults.set("smaregi", Fault("garbage", match=match))
        await world.start()
        reply = await world.register()
    assert reply.channel("smaregi")["outcome"] == "delivered"
