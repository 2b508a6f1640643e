"""Changes from three sides in any order, webhooks that come late, twice, in any order or never,
and faults: in the end the same state everywhere, no loop, and few writes.

The stand-ins are the judges. One gateway serves all examples, each with a customer of its own.
"""

import asyncio
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.channels.smaregi.from_member import NOT_STATED, UNITS, is_same, value_of
from gateway.outcomes import Outcome
from gateway.sandbox import Fault, SandboxOptions, ShopifyOptions, SmaregiOptions
from gateway.store import tally
from gateway.sync import reconciliation
from gateway.sync.webhooks import shopify, worker
from tests.steady_time import SteadyLoop
from tests.sync.pos.steps import Admin, Patch, Till, Trouble, Webhooks, steps
from tests.sync.webhooks.conftest import connect
from tests.world import World, a_world, registration


class Scene:
    """A gateway for all examples; the present one's customer is `customer_id`, `member_id`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.number = 0
        self.customer_id = self.member_id = 0

    @property
    def hooks(self) -> tuple[Any, Any]:
        return self.world.sandbox.shopify.webhooks, self.world.sandbox.smaregi.webhooks

    async def begin(self, number: int) -> None:
        for hooks in self.hooks:
            hooks.pause()
        self.number = number
        body = registration(number)
        reply = await self.world.post("/v1/registrations", body)
        assert reply.body["status"] == "complete", reply.body
        self.customer_id = int(reply.body["member_number"])
        self.member_id = int(reply.channel("smaregi")["reference"])
        self.world.sandbox.journal.clear()

    async def take(self, step: Any) -> None:
        sandbox = self.world.sandbox
        match step:
            case Patch(body):
                body = {n: self._phone(v) if n == "phone" else v for n, v in body.items()}
                reply = await self.world.patch(f"/v1/customers/{self.customer_id}", body)
                assert reply.status in {200, 503}, reply.body
            case Admin(fields):
                self._edit(sandbox.shopify.customers[self.customer_id], dict(fields))
            case Till(fields):
                texts = {name: self._phone(text) for name, text in fields.items()}
                sandbox.smaregi.edit(self.member_id, **texts)
            case Webhooks(repeat, lose):
                for hooks in self.hooks:
                    hooks.flush(shuffle=True, repeat=repeat, lose=lose, resume=False)
                    await hooks.settled()
            case Trouble(system, kind):
                sandbox.faults.set(system, Fault(kind, times=1))  # type: ignore[arg-type]

    def _phone(self, text: str | None) -> str | None:
        return text and text.format(self.number % 100)

    def _edit(self, customer: Any, fields: dict[str, Any]) -> None:
        store = self.world.sandbox.shopify.store
        if kana := fields.pop("last_kana", None):
            place = {"namespace": "registration", "key": "last_kana"}
            store.set_metafield(customer, {**place, "value": kana})
        if (city := fields.pop("city", None)) and customer.default_address is not None:
            customer.default_address.city = city
        if "phone" in fields:
            fields["phone"] = self._phone(fields["phone"])
        store.update(customer, fields)

    async def quiet(self) -> None:
        """Faults are over; what is under way ends, what failed is tried again."""
        self.world.sandbox.faults.clear()
        async with asyncio.timeout(30):
            while True:
                while (await self.world.core.db.read(tally.read)).events:
                    await asyncio.sleep(0.01)
                open_now = await self.world.deliveries(
                    outcomes=(Outcome.PENDING, Outcome.RETRYING, Outcome.FAILED)
                )
                if not open_now and not (await self.world.core.db.read(tally.read)).events:
                    return
                await self.world.replay()

    async def reconcile(self) -> None:
        await self.world.core.reconciliation.once()
        await self.quiet()

    async def everywhere_the_same(self) -> None:
        sandbox, core = self.world.sandbox, self.world.core
        customer = (await core.shopify.read([self.customer_id]))[self.customer_id]
        row = dict(sandbox.smaregi.members[self.member_id])
        for unit in UNITS:
            value = value_of(unit, row, customer.profile)
            assert value is not NOT_STATED
            assert is_same(unit, value, customer.profile), (unit, value, customer.profile)
        fields = core.deliverer.routes["smaregi"].channel.fields_of(customer)
        for name in ("mailAddress", "mailReceiveFlag", "sex"):
            assert row[name] == fields[name]
        (contact,) = (
            dict(each.properties)
            for each in sandbox.hubspot.contacts.values()
            if each.properties.get("shopify_customer_id") == str(self.customer_id)
        )
        wanted = core.deliverer.routes["crm"].channel.fields_of(customer)
        assert {name: contact.get(name) for name in wanted} == dict(wanted)
        assert not [name for name in CRM - set(wanted) if contact.get(name)]

    def writes(self, system: str) -> int:
        return len(self.world.sandbox.journal.writes(system))


CRM = {"phone", "last_name_kana", "date_of_birth", "zip", "state", "city", "address"}


async def scenario(scene: Scene, number: int, taken: list[Any]) -> None:
    await scene.begin(number)
    for step in taken:
        await scene.take(step)
    for hooks in scene.hooks:
        hooks.flush(lose=1.0, resume=False)
    await scene.quiet()
    await scene.reconcile()
    await scene.everywhere_the_same()
    changed = sum(isinstance(step, Patch | Admin | Till) for step in taken)
    faults = sum(isinstance(step, Trouble) for step in taken)
    for system, each in (("shopify", 4), ("smaregi", 2), ("crm", 2)):
        assert scene.writes(system) <= each * (changed + faults) + 1, system
    scene.world.sandbox.journal.clear()
    for hooks in scene.hooks:  # the echoes of all that
        hooks.flush(shuffle=True, repeat=2)
        await hooks.settled()
    await scene.quiet()
    await scene.reconcile()
    assert [scene.writes(system) for system in ("shopify", "smaregi", "crm")] == [0, 0, 0]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, Scene]]:
    folder: Path = tmp_path_factory.mktemp("any-order")
    options = SandboxOptions(
        shopify=ShopifyOptions(search_lag=0.0, bucket=1e7, restore=1e6),
        smaregi=SmaregiOptions(reads_per_second=None, writes_per_second=None),
    )
    patch = pytest.MonkeyPatch()
    patch.setattr(worker, "_PASSING", 0.02)
    patch.setattr(worker, "IDLE", 0.05)
    patch.setattr(reconciliation, "OVERLAP", 30.0)
    patch.setattr(shopify, "_UNDER_WAY", 0.02)
    with asyncio.Runner(loop_factory=SteadyLoop) as runner:
        made = a_world(
            folder,
            options,
            SMAREGI_SYNC_CHANGES="true",
            FLAG_EMAIL="off",
            GATEWAY_UPSTREAM_TIMEOUT="4",
            GATEWAY_RETRY_SCHEDULE=",".join(["0.02"] * 20),
            SMAREGI_READS_PER_SECOND="1000",
            SMAREGI_WRITES_PER_SECOND="1000",
        )
        world = runner.run(made.__aenter__())
        world.core.events.handlers["smaregi"].rest = 0.01
        runner.run(connect(world))
        runner.run(world.core.reconciliation.begin())
        yield runner, Scene(world)
        runner.run(made.__aexit__(None, None, None))
    patch.undo()


NUMBERS = count(1)
RELAXED: dict[str, Any] = {
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": list(HealthCheck),
    "database": None,
}


@settings(max_examples=15, **RELAXED)
@given(st.lists(steps, min_size=4, max_size=12))
def test_any_order_of_changes_from_three_sides_ends_the_same_everywhere(
    town: tuple[asyncio.Runner, Scene], taken: list[Any]
) -> None:
    runner, scene = town
    runner.run(scenario(scene, next(NUMBERS), taken))


@pytest.mark.long
@pytest.mark.timeout(1500)
@settings(max_examples=150, **RELAXED)
@given(st.lists(steps, min_size=4, max_size=25))
def test_any_long_order_of_changes_from_three_sides_ends_the_same_everywhere(
    town: tuple[asyncio.Runner, Scene], taken: list[Any]
) -> None:
    runner, scene = town
    runner.run(scenario(scene, next(NUMBERS), taken))
