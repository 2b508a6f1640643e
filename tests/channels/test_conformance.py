"""What every channel of the roster must pass, against its stand-in.

A new channel needs one line in `STANDS`; a test fails until it is there.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import click
import pytest

import gateway
from gateway.app.config import FLAGS, SECTIONS, known_variables
from gateway.channels import ROSTER, Channel, Done, Spec
from gateway.channels.smaregi import Smaregi
from gateway.cli.replay import command as replay_command
from gateway.errors import DryRunStop, ErrorClass, UpstreamError
from gateway.sandbox import Fault, Sandbox
from gateway.wire import dry_run
from tests.channels.works import PERSONAL, TARO, a_work
from tests.world import World, a_world

ROOT = Path(gateway.__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Stand:
    """How the stand-in of a channel is judged.

    `records` are the ids it holds, equal ones for the same thing; `write` matches the request that
    makes a record; `looks` is false where there is nothing to look at before the write; `codes` are
    the statuses in which it says refused credentials, a passing trouble, and refused data.
    """

    records: Callable[[Sandbox], set[str]]
    write: str
    looks: bool = True
    codes: tuple[int, int, int] = (401, 500, 400)
    throttle: ErrorClass = ErrorClass.RATE_LIMIT


STANDS = {
    "smaregi": Stand(lambda s: {str(i) for i in s.smaregi.members}, "POST /customers"),
    "crm": Stand(lambda s: set(map(str, s.hubspot.contacts)), "POST /contacts"),
    "email": Stand(
        lambda s: {mail.message_id for mail in s.mail.messages},
        "DATA",
        looks=False,
        codes=(535, 451, 550),
        throttle=ErrorClass.UNAVAILABLE,
    ),
}

pytestmark = pytest.mark.parametrize("spec", ROSTER, ids=lambda spec: spec.name)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(
        tmp_path, GATEWAY_AUTO_REPLAY="false", GATEWAY_UPSTREAM_TIMEOUT="0.8"
    ) as world:
        smaregi = world.core.deliverer.routes["smaregi"].channel
        assert isinstance(smaregi, Smaregi)
        await world.until(lambda: smaregi.index.ready)  # its scan meets no fault of a test's
        yield world


def channel(world: World, spec: Spec) -> Channel:
    return world.core.deliverer.routes[spec.name].channel


async def deliver(world: World, spec: Spec, *, fresh: bool = False) -> Done:
    return await channel(world, spec).deliver(a_work(fresh=fresh))


def records(world: World, spec: Spec) -> set[str]:
    return STANDS[spec.name].records(world.sandbox)


async def error_of(world: World, spec: Spec) -> UpstreamError:
    """The error of a delivery that must fail; anything else fails the test."""
    with pytest.raises(UpstreamError) as caught:
        await deliver(world, spec)
    return caught.value


def test_the_channel_has_a_stand_in(spec: Spec) -> None:
    assert spec.name in STANDS


@pytest.mark.parametrize("fresh", [True, False])
async def test_a_delivery_makes_one_record_and_names_it(
    world: World, spec: Spec, fresh: bool
) -> None:
    done = await deliver(world, spec, fresh=fresh)
    assert records(world, spec) == {done.reference}
    assert done.action in {"created", "linked", "updated", "sent"}


async def test_delivering_twice_leaves_one_record(world: World, spec: Spec) -> None:
    first = await deliver(world, spec, fresh=True)
    second = await deliver(world, spec)
    assert records(world, spec) == {first.reference} == {second.reference}


@pytest.mark.parametrize("fresh", [True, False])
async def test_what_was_applied_and_its_answer_lost_is_found_again(
    world: World, spec: Spec, fresh: bool
) -> None:
    await channel(world, spec).start()
    fault = Fault("drop", times=1, match=STANDS[spec.name].write)
    world.sandbox.faults.set(spec.name, fault)
    try:
        applied: bool | None = bool(await deliver(world, spec, fresh=fresh))
    except UpstreamError as error:
        applied = error.applied
    assert applied is not False, "done, or nobody knows"
    assert world.sandbox.journal.applied(spec.name)
    again = await deliver(world, spec)
    assert records(world, spec) == {again.reference}


async def test_a_dry_run_looks_and_writes_nothing(world: World, spec: Spec) -> None:
    dry_run.set(True)
    with pytest.raises(DryRunStop):
        await deliver(world, spec)
    assert world.sandbox.journal.writes(spec.name) == []
    assert bool(world.sandbox.journal.reads(spec.name)) is STANDS[spec.name].looks


async def test_concurrent_deliveries_of_two_customers_do_not_mix(world: World, spec: Spec) -> None:
    hanako = replace(TARO, id=7000000000002)
    one, other = await asyncio.gather(
        channel(world, spec).deliver(a_work()),
        channel(world, spec).deliver(
            a_work(hanako, email="hanako@example.jp", birth_date="1985-12-24", number="2")
        ),
    )
    assert one.reference != other.reference
    assert records(world, spec) == {one.reference, other.reference}


def faults_of(spec: Spec) -> dict[str, tuple[Fault, ErrorClass]]:
    refused, trouble, bad = STANDS[spec.name].codes
    return {
        "refuse": (Fault("refuse"), ErrorClass.CONNECTION),
        "reset": (Fault("reset"), ErrorClass.CONNECTION),
        "hang": (Fault("hang"), ErrorClass.TIMEOUT),
        "auth": (Fault("status", status=refused, match=_auth(spec)), ErrorClass.AUTH),
        "trouble": (Fault("status", status=trouble), ErrorClass.UNAVAILABLE),
        "bad data": (
            Fault("status", status=bad, match=STANDS[spec.name].write),
            ErrorClass.INVALID_DATA,
        ),
        "throttle": (Fault("throttle"), STANDS[spec.name].throttle),
        "garbage": (Fault("garbage"), ErrorClass.UNEXPECTED),
        "half": (Fault("half"), ErrorClass.CONNECTION),
    }


def _auth(spec: Spec) -> str | None:
    """SMTP says 535 at DATA only where it is told to: the stand-in asks for no login."""
    return "DATA" if STANDS[spec.name].codes[0] == 535 else None


@pytest.mark.parametrize(
    "name",
    [
        "refuse",
        "reset",
        "hang",
        "auth",
        "trouble",
        "bad data",
        "throttle",
        "garbage",
        "half",
    ],
)
async def test_every_failure_is_of_the_closed_set_without_personal_data(
    world: World, spec: Spec, name: str
) -> None:
    fault, expected = faults_of(spec)[name]
    world.sandbox.faults.set(spec.name, fault)
    error = await error_of(world, spec)
    assert error.error_class is expected, str(error)
    assert error.system == spec.name
    assert not [text for text in PERSONAL if text in f"{error} {error.args} {error.__cause__}"]
    world.sandbox.faults.clear()
    done = await deliver(world, spec)
    assert done.reference in records(world, spec)
    assert len(records(world, spec)) == 1


@pytest.mark.parametrize("body", [b"[]", b"{}", b"null", b'"text"', b"[1]", b'{"results": [1]}'])
async def test_an_answer_of_another_shape_is_an_upstream_error(
    world: World, spec: Spec, body: bytes
) -> None:
    if spec.name == "email":
        pytest.skip("SMTP has no bodies")
    world.sandbox.faults.set(spec.name, Fault("status", status=200, body=body.decode()))
    error = await error_of(world, spec)
    assert error.error_class in {ErrorClass.UNEXPECTED, ErrorClass.INVALID_DATA}


async def test_its_check_writes_nothing_and_names_what_it_proved(world: World, spec: Spec) -> None:
    before = len(world.sandbox.journal.writes(spec.name))
    checks = await channel(world, spec).check()
    assert checks
    assert all(check.ok and check.detail for check in checks)
    assert len(world.sandbox.journal.writes(spec.name)) == before


def test_it_has_a_flag_settings_and_a_place_in_the_commands(spec: Spec) -> None:
    assert spec.name in FLAGS
    assert SECTIONS[spec.name] is spec.settings
    assert spec.title
    assert {name for name, _, _ in spec.settings.variables()} <= known_variables()
    (option,) = [o for o in replay_command.params if o.name == "channel"]
    assert option.type(spec.name) == spec.name
    with pytest.raises(click.UsageError):
        option.type("nosuchchannel")


def test_every_setting_says_what_it_should_hold(spec: Spec) -> None:
    for name, _, description in spec.settings.variables():
        assert description, name


def test_it_stands_in_the_example_of_the_settings(spec: Spec) -> None:
    example = (ROOT / ".env.example").read_text("utf-8")
    for name in (f"FLAG_{spec.name.upper()}", *(name for name, _, _ in spec.settings.variables())):
        assert f"{name}=" in example, name


async def test_its_attempts_are_counted(world: World, spec: Spec) -> None:
    await world.register()
    await world.settled()
    text = (await world.core.metrics_text()).decode()
    assert f'gateway_attempts_total{{channel="{spec.name}"' in text
    assert f'gateway_deliveries{{channel="{spec.name}"' in text
