"""The outbox under every order of events: what must hold whatever happens to a delivery."""

from functools import partial
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.errors import ErrorClass
from gateway.outcomes import Delivery, Kind, NewDelivery, Outcome, Waiting
from gateway.store import outbox, retention
from gateway.store.outbox import FIRST, AttemptResult
from gateway.store.outbox.queries import COLUMNS
from gateway.store.paging import every_page
from tests.store.memory import a_connection, at_once, units_of

# Few, so that events meet at the same delivery.
CHANNELS = ("smaregi",)
CUSTOMERS = (7000000000001,)

customers = st.sampled_from(CUSTOMERS)
channels = st.sampled_from(CHANNELS)
starts = st.sampled_from([Outcome.PENDING, Outcome.HELD, Outcome.SKIPPED, Outcome.DRY_RUN])
kinds = st.sampled_from(list(Kind))
ENDS = [
    (Outcome.DELIVERED, None, True),
    (Outcome.RETRYING, ErrorClass.TIMEOUT, True),
    (Outcome.RETRYING, ErrorClass.AUTH, False),
    (Outcome.FAILED, ErrorClass.CONFLICT, True),
]


class Outbox(RuleBasedStateMachine):
    """Attempts are one at a time for a delivery, as in the deliverer."""

    def __init__(self) -> None:
        super().__init__()
        self.db = a_connection()
        self.now = 1000.0
        self.busy: dict[int, int] = {}  # delivery id -> the version that its attempt began with

    def teardown(self) -> None:
        self.db.close()

    def _tick(self) -> float:
        self.now += 1.0
        return self.now

    def _unit(self, work: Any) -> Any:
        self.db.execute("BEGIN")
        result = work(self.db)
        self.db.execute("COMMIT")
        return result

    def _row(self, delivery_id: int) -> Delivery:
        found = outbox.get(self.db, delivery_id)
        assert found is not None
        return found

    @rule(customer=customers, channel=channels, outcome=starts, kind=kinds)
    def add_and_try_at_once(
        self, customer: int, channel: str, outcome: Outcome, kind: Kind
    ) -> None:
        tried = outcome in {Outcome.PENDING, Outcome.DRY_RUN}
        new = NewDelivery(channel, kind, outcome, tried)
        now = self._tick()
        (row,) = self._unit(lambda db: outbox.add(db, customer, None, [new], now))
        if row.id not in self.busy and row.claimed_version == row.version:
            self.busy[row.id] = row.version

    @rule(customer=customers, channel=channels, kind=kinds)
    def a_change_comes(self, customer: int, channel: str, kind: Kind) -> None:
        before = {
            d.id: d for d in self._open() if (d.customer_id, d.channel) == (customer, channel)
        }
        new = NewDelivery(channel, kind, Outcome.PENDING)
        now = self._tick()
        (row,) = self._unit(lambda db: outbox.add(db, customer, None, [new], now))
        if before:
            assert row.id in before, "the open one rises, no second one is made"
            assert row.version == before[row.id].version + 1
            assert row.claimed_version == before[row.id].claimed_version

    def _free(self) -> list[int]:
        return [d.id for d in self._open() if d.id not in self.busy]

    @precondition(lambda self: self._free())
    @rule(data=st.data())
    def claim(self, data: st.DataObject) -> None:
        delivery_id, now = data.draw(st.sampled_from(self._free())), self._tick()
        counted = self._row(delivery_id).attempts
        claimed = self._unit(lambda db: outbox.claim(db, delivery_id, now))
        assert claimed.attempts == counted + 1, "counted when claimed"
        self.busy[delivery_id] = claimed.version

    @precondition(lambda self: self.busy)
    @rule(data=st.data(), end=st.sampled_from(ENDS))
    def settle(self, data: st.DataObject, end: Any) -> None:
        delivery_id = data.draw(st.sampled_from(sorted(self.busy)))
        began_with = self.busy.pop(delivery_id)
        before = self._row(delivery_id)
        outcome, error_class, counted = end
        if before.outcome is Outcome.DRY_RUN:
            outcome, error_class, counted = Outcome.DRY_RUN, None, True
        now = self._tick()
        result = AttemptResult(
            delivery_id,
            outcome,
            started_at=now,
            error_class=error_class,
            counted=counted,
            next_attempt_at=now + 5 if outcome is Outcome.RETRYING else None,
            waiting=Waiting.CHANNEL if error_class is ErrorClass.AUTH else None,
            reference="1024" if outcome is Outcome.DELIVERED else None,
        )
        self._unit(lambda db: outbox.settle(db, [result], now))
        after = self._row(delivery_id)
        if outcome is Outcome.DELIVERED and before.version == began_with:
            assert after.outcome is Outcome.DELIVERED
        if before.version != began_with:
            assert after.outcome is not Outcome.DELIVERED, "delivered only at the claimed version"
        if before.outcome is Outcome.DISCARDED:
            assert not after.outcome.is_open, "a person gave it up"

    @precondition(lambda self: self._all())
    @rule(data=st.data())
    def a_person_discards(self, data: st.DataObject) -> None:
        ids = [d.id for d in self._open()] or [d.id for d in self._all()]
        delivery_id, now = data.draw(st.sampled_from(ids)), self._tick()
        was_open = self._row(delivery_id).outcome.is_open
        done = self._unit(lambda db: outbox.discard(db, delivery_id, "by a person", now))
        assert done is was_open
        assert not self._row(delivery_id).outcome.is_open

    @rule(channel=channels)
    def the_flag_lets_held_ones_through(self, channel: str) -> None:
        held = [d.id for d, _ in outbox.held(self.db, channel, outbox.START, 100)]
        now = self._tick()
        assert self._unit(lambda db: outbox.release(db, held, now)) == len(held)
        assert not outbox.held(self.db, channel, outbox.START, 100)

    @rule(waiting=st.sampled_from(list(Waiting)))
    def what_they_waited_for_is_over(self, waiting: Waiting) -> None:
        now = self._tick()
        self._unit(lambda db: outbox.wake(db, waiting, None, now))
        left = [d for d in self._all() if d.outcome is Outcome.RETRYING and d.waiting is waiting]
        assert not left

    @rule()
    def the_owner_dies_and_another_takes_over(self) -> None:
        self.busy.clear()
        now = self._tick()
        self._unit(
            lambda db: at_once(
                every_page(units_of(db), partial(outbox.recover, latest=now + 1e9, now=now), FIRST)
            )
        )
        taken = {d.id for c in CHANNELS for d in outbox.due(self.db, c, self.now, 100, ())}
        assert {d.id for d in self._open() if d.outcome is Outcome.PENDING} <= taken

    @rule()
    def a_long_time_passes(self) -> None:
        open_before = {d.id for d in self._open()}
        self.now += 100 * 86400
        before, now = self.now - 30 * 86400, self.now
        self._unit(lambda db: at_once(retention.expire(units_of(db), before, now)))
        assert {d.id for d in self._open()} == open_before, "open ones never expire"
        left = {d.id for d in self._all()}
        self.busy = {i: version for i, version in self.busy.items() if i in left}

    def _all(self) -> list[Delivery]:
        rows = self.db.execute(f"SELECT {COLUMNS} FROM deliveries")
        return [outbox.row_to_delivery(row) for row in rows]

    def _open(self) -> list[Delivery]:
        return [delivery for delivery in self._all() if delivery.outcome.is_open]

    @invariant()
    def at_most_one_is_open_for_a_customer_and_channel(self) -> None:
        pairs = [(d.customer_id, d.channel) for d in self._open()]
        assert len(pairs) == len(set(pairs))

    @invariant()
    def attempts_are_never_negative(self) -> None:
        assert all(d.attempts >= 0 for d in self._all())

    @invariant()
    def an_attempt_under_way_is_not_handed_out_again(self) -> None:
        for channel in CHANNELS:
            due = outbox.due(self.db, channel, self.now + 10**6, 100, self.busy)
            assert not {d.id for d in due} & set(self.busy)

    @invariant()
    def what_the_worker_can_still_take_is_due_some_day(self) -> None:
        for d in self._all():
            if d.outcome is Outcome.RETRYING:
                assert d.next_attempt_at is not None


Outbox.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, print_blob=True
)


TestOutbox = Outbox.TestCase
