"""Mends taken out again, one at a time: the simulation must find each, and does so in seconds.

A mend is named by what goes wrong without it. It is taken out by changing the text of functions,
so that a change of the code that passes by this list fails here and not silently.
"""

import importlib
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

from tests.simulation.runs import Outcome, campaign

__all__ = ["FAULTS", "Fault", "hunt", "without"]


@dataclass(frozen=True, slots=True)
class Change:
    """In `place` (`package.module:Class.function`) every `old` of its source is `new` instead."""

    place: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Fault:
    """`family` plays what meets it."""

    name: str
    family: str
    changes: Sequence[Change]


def hunt(fault: Fault, seconds: float = 60.0, seed: int = 0) -> Outcome:
    """Runs of its family without the mend, until one finds something."""
    with without(fault):
        return campaign([fault.family], seed, seconds=seconds, until=lambda o: bool(o.findings))


@contextmanager
def without(fault: Fault) -> Iterator[None]:
    undo = []
    try:
        undo += [_changed(change) for change in fault.changes]
        yield
    finally:
        for step in reversed(undo):
            step()


def _changed(change: Change) -> Callable[[], None]:
    module_name, _, path = change.place.partition(":")
    module = importlib.import_module(module_name)
    *classes, name = path.split(".")
    holder: Any = module
    for each in classes:
        holder = getattr(holder, each)
    old = vars(holder)[name]
    source = textwrap.dedent(inspect.getsource(_function(old)))
    if change.old not in source:
        raise LookupError(f"{change.place} does not hold any more: {change.old}")
    made: dict[str, Any] = {}
    exec(source.replace(change.old, change.new), _function(old).__globals__, made)
    ownership = (
        [holder] if classes else [each for each in _gateway() if vars(each).get(name) is old]
    )
    for held_by in ownership:
        setattr(held_by, name, made[name])
    return partial(_put_back, ownership, name, old)


def _gateway() -> Iterator[ModuleType]:
    """Whoever imports a function by its name holds it too."""
    return (m for n, m in list(sys.modules.items()) if n.partition(".")[0] == "gateway")


def _put_back(ownership: Sequence[Any], name: str, old: Any) -> None:
    for each in ownership:
        setattr(each, name, old)


def _function(value: Any) -> Any:
    function: Any = value.fget if isinstance(value, property) else value
    return inspect.unwrap(function)


_MERELY_4XX = Change(
    "gateway.wire.session:UpstreamAnswer._did_nothing",
    "self.status in _CERTAIN",
    "400 <= self.status < 500",
)

_BRING_FORWARD = "    return any("
_LONGEST_LAST = """    db.execute(
        "UPDATE registrations SET next_try_at = min(next_try_at, ?1 + tries / 10.0) "
        "WHERE state = 'waiting' AND next_try_at > ?1", (now,))
    return False and any("""

FAULTS: tuple[Fault, ...] = (
    Fault(
        "3 a customer created although the answer was a refusal",
        "one_person",
        (
            _MERELY_4XX,
            Change("gateway.shopify.client:_graphql_error", "applied=unknown", "applied=False"),
        ),
    ),
    Fault(
        "4 points are gone that were taken although the answer was 4xx", "points", (_MERELY_4XX,)
    ),
    Fault(
        "a member is merged away to which somebody is just being linked",
        "points",
        (
            Change(
                "gateway.duplicates.member_merge:MemberMerge._begun",
                "await self._nobody_is_just_linked(found)",
                "found",
            ),
        ),
    ),
    Fault(
        "points that come as the absorbed member ends stay with it",
        "points",
        (
            Change(
                "gateway.duplicates.points:PointsTransfer.take",
                'merge.step, "taken"',
                '"begun", "taken"',
            ),
        ),
    ),
    Fault(
        "6 a finished registration is undone by recovery's late look",
        "late_look",
        (
            Change(
                "gateway.registration.acceptance:Acceptance.accept_found",
                "still = registrations.is_still(db, row)",
                "still = True",
            ),
        ),
    ),
    Fault(
        "7 a promised registration is wiped by recovery's late look",
        "one_person",
        (
            Change(
                "gateway.registration.recovery:Recovery._drop",
                "still = registrations.is_still(db, row)",
                "still = True",
            ),
        ),
    ),
    Fault(
        "8 an idempotency key without an answer stays busy",
        "one_person",
        (
            Change(
                "gateway.registration.registrar:Registrar.register",
                'self._runtime.background.keep(until_stored(free), "freeing an idempotency key")',
                "pass",
            ),
        ),
    ),
    Fault(
        "9 a second run of one registration is forgotten",
        "second_run",
        (
            Change(
                "gateway.registration.registrar:Registrar._ended",
                "if self._running.get(registration_id) is task:",
                "if registration_id in self._running:",
            ),
        ),
    ),
    Fault(
        "1 a refresh that fails between its pages leaves members out",
        "broken_refresh",
        (
            Change(
                "gateway.matching.index:MemberIndex._changes",
                'earlier(newest, took) if high == HIGHEST_ID else ""',
                "newest",
            ),
        ),
    ),
    Fault(
        "2 a refresh that read first writes an older row over a newer one",
        "till",
        (
            Change(
                "gateway.matching.written:WrittenRows.is_news",
                "later <= refresh and fingerprint",
                "fingerprint",
            ),
            Change(
                "gateway.store.members:_upsert_sql",
                "{_CHANGED}",
                "{_CHANGED.partition(' AND (excluded')[0]}",
            ),
        ),
    ),
    Fault(
        "5 a contact of another customer is taken over",
        "given_up",
        (
            Change(
                "gateway.channels.crm.hubspot.owners:Owners._other",
                "for other in {linked",
                "for other in set() and {linked",
            ),
        ),
    ),
    Fault(
        "10 an opt-out is never sent that its flag kept back once",
        "opting_out",
        (
            Change(
                "gateway.store.outbox.write:_raise_open",
                "urgent = max(urgent, :urgent), kept_back = 0,",
                "urgent = max(urgent, :urgent),",
            ),
        ),
    ),
    Fault(
        "11 what was owed to a merged customer is given up",
        "merged",
        (
            Change(
                "gateway.store.erasure:move_deliveries",
                "AND message = ?3",
                "AND message = ?3 AND 0",
            ),
        ),
    ),
    Fault(
        "12 deleted in Shopify and signed up again at once, and Shopify has nobody",
        "deleted",
        (
            Change(
                "gateway.registration.registrar:Registrar.register",
                "await self._is_gone(begun.id, request)",
                "False",
            ),
        ),
    ),
    Fault(
        "13 a merge that failed is taken for one",
        "failed_merge",
        (
            Change(
                "gateway.sync.webhooks.verification:shopify_event",
                "!= _COMPLETED:",
                "!= _COMPLETED and False:",
            ),
        ),
    ),
    Fault(
        "14 our own late create is linked to itself",
        "unlinked",
        (
            Change(
                "gateway.channels.smaregi.channel:Smaregi.deliver",
                "if self._is_among(found, work):",
                "if False:",
            ),
            Change(
                "gateway.channels.smaregi.member_number:MemberNumbers._old_number",
                "if not old or old == str(link.customer_id):",
                "if not old:",
            ),
        ),
    ),
    Fault(
        "15 an outcome that cannot be written keeps its delivery busy",
        "begun_anew",
        (
            Change(
                "gateway.store.outbox.settle:_settle_sql",
                "max(0, attempts - e.uncounted)",
                "attempts - e.uncounted",
            ),
            Change(
                "gateway.delivery.settling:AttemptResults.settle",
                "except Exception as error:",
                "except ZeroDivisionError as error:",
            ),
        ),
    ),
    Fault(
        "16 one customer whom Shopify cannot give holds up all who are read with them",
        "unreadable",
        (
            Change(
                "gateway.shopify.batches:Batches.read_each",
                "if not _may_be_of_one(error):",
                "if True:",
            ),
        ),
    ),
    Fault(
        "17 our own pace counts against customers",
        "burst",
        (Change("gateway.wire.pausable_timeout:own_pace", "if patience is None:", "if True:"),),
    ),
    Fault(
        "18 a fast channel's outcome waits for a slow one's",
        "slow_channel",
        (
            Change(
                "gateway.delivery.deliverer:Deliverer.live",
                "await ended_together(running, left)",
                "(await asyncio.wait(running, timeout=min(left, 0.25)))[0]",
            ),
        ),
    ),
    Fault(
        "19 a clock jump puts the next try off by the jump as well",
        "clock",
        (
            Change(
                "gateway.delivery.settling:AttemptResults._write",
                "await self._clock_jumps.follow()",
                "pass",
            ),
            Change(
                "gateway.delivery.settling:AttemptResults.postpone",
                "await self._clock_jumps.follow()",
                "pass",
            ),
        ),
    ),
    Fault(
        "21 after an outage the first to come are the last to go",
        "outage",
        (
            Change(
                "gateway.store.deferred:bring_forward",
                _BRING_FORWARD,
                _LONGEST_LAST,
            ),
        ),
    ),
    Fault(
        "22 that their customers were merged replaces what was known of a pair",
        "alike",
        (
            Change(
                "gateway.duplicates.finder:merged_online",
                "r for r in Reason if pair and r in pair.reasons",
                "r for r in Reason if False",
            ),
        ),
    ),
    Fault(
        "22 that their customers were merged is lost at the next look",
        "alike",
        (
            Change(
                "gateway.duplicates.finder:examine",
                "if Reason.MERGED_ONLINE in pair.reasons",
                "if False",
            ),
        ),
    ),
    Fault(
        "22 a list lacks pairs and does not say so",
        "alike",
        (
            Change(
                "gateway.store.duplicate_queue:waiting",
                'SELECT count(*) FROM duplicate_queue"',
                'SELECT count(*) FROM duplicate_queue WHERE customer_id IS NULL"',
            ),
        ),
    ),
    Fault(
        "23 exit 0 while customers wait",
        "backfill",
        (
            Change(
                "gateway.sync.backfill.run:Backfill._go",
                "until_stored(give_back)",
                "give_back()",
            ),
            Change(
                "gateway.sync.backfill.run:Backfill._run",
                "await self._give_back(options.channel)",
                "pass",
            ),
        ),
    ),
    Fault(
        "a customer who was merged is taken for one who was deleted",
        "alike",
        (
            Change(
                "gateway.sync.webhooks.shopify:CustomerEvents._gone",
                "if not said and now - since < self.unsaid:",
                "if not said and 0 <= age < self.grace:",
            ),
        ),
    ),
    Fault(
        "a member that is just leaving is linked to somebody",
        "deleted",
        (
            Change(
                "gateway.channels.smaregi.ownership:RecordOwnership.hold",
                "if self._claims.claim(link.reference, link.customer_id):",
                "if True:",
            ),
        ),
    ),
    Fault(
        "a property that HubSpot made is left out",
        "made_property",
        (
            Change(
                "gateway.channels.crm.hubspot.properties:Properties._make",
                "await self._was_made(name, answer)",
                "False",
            ),
        ),
    ),
    Fault(
        "data that newer data replaced answers again",
        "one_person",
        (
            Change(
                "gateway.store.admission:_same_person",
                'row["id"] == accepted and same',
                'row["state"] == "accepted" and same',
            ),
        ),
    ),
    Fault(
        "points that were refused are looked for",
        "earning",
        (
            Change("gateway.points.sender:Sender._leave", "if error.applied is False:", "if True:"),
            Change(
                "gateway.points.sender:Sender._send",
                'way == "transaction" and (found := await self._known(one))',
                "found := []",
            ),
        ),
    ),
    Fault(
        "an order that changes while it is read is read again",
        "earning",
        (Change("gateway.store.points.orders:save", "iif(version = ?13, ?14, due_at)", "?14"),),
    ),
    Fault(
        "a flag that changes while it is written down is written down again",
        "earning",
        (
            Change(
                "gateway.points.switch:Switch.keep",
                "self._kept = read, period",
                "self._kept = self._changes, period",
            ),
        ),
    ),
)
