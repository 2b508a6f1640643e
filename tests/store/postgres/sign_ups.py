"""Sign-ups, their keys and their deliveries."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from gateway.errors import ErrorClass
from gateway.outcomes import DeliveryFilter, Kind, Link, Match, NewDelivery, Outcome, Sort, Waiting
from gateway.store import (
    acceptance,
    admission,
    backfill,
    causes,
    deferred,
    history,
    idempotency,
    inventory,
    links,
    outbox,
    proofs,
    registrations,
    retention,
    rewinding,
    search,
    takeover,
    tally,
)
from gateway.store.admission import AdmissionRequest, Bounds, OlderHashes
from gateway.store.outbox import FIRST, START, AttemptResult
from tests.store.accepting import accepted
from tests.store.postgres.steps import Step, async_step, read, write

__all__ = ["DELIVERIES", "SIGN_UPS", "asked", "hashed", "opened"]

CHANNELS = ("smaregi", "hubspot", "email")
PROBLEM = {"type": "invalid-data", "status": 422}


def hashed(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()


def asked(name: str, email: str, body: str = "same", **more: object) -> AdmissionRequest:
    fields = {"email_verified": False, "sealed": b"sealed", **more}
    return AdmissionRequest(
        id=name, email_hash=hashed(email), body_hash=hashed(body), **fields  # type: ignore[arg-type]
    )  # fmt: skip


def opened(
    *channels: str,
    kind: Kind = Kind.REGISTRATION,
    outcome: Outcome = Outcome.PENDING,
    **more: object,
) -> list[NewDelivery]:
    return [NewDelivery(channel, kind, outcome, **more) for channel in channels or CHANNELS]  # type: ignore[arg-type]


@dataclass(frozen=True)
class Why:
    """As `delivery` postpones: see `outbox.Postponement`."""

    error_class: ErrorClass | None = ErrorClass.UNAVAILABLE
    message: str = "away"
    reason: str | None = None
    next_attempt_at: float | None = None
    waiting: Waiting | None = Waiting.CHANNEL


KEY = hashed("caller")[:8] + hashed("key")
OLDER = OlderHashes(hashed("old e-mail"), hashed("old body"), hashed("old key"), hashed("old hash"))


def is_still(db: Any, name: str) -> bool:
    row = registrations.get(db, name)
    return row is not None and registrations.is_still(db, row)


OTHER = registrations.Registration("r4", "open", b"", b"", False, None, None, [], None, None, 0, 0)
SIGN_UPS: tuple[Step, ...] = (
    write(admission.begin, asked("r1", "one", key=KEY, key_hash=b"1"), 1000.0),
    write(admission.begin, asked("r2", "two", key=KEY, key_hash=b"1"), 1001.0),
    write(admission.begin, asked("r2", "two", key=KEY, key_hash=b"2"), 1001.0),
    write(admission.begin, asked("r2", "one"), 1001.0),
    write(admission.begin, asked("r2", "one", body="other"), 1001.0),
    write(idempotency.remember, KEY, 201, b"{}", 1002.0),
    write(admission.begin, asked("r2", "one", key=KEY, key_hash=b"1"), 1003.0),
    write(admission.begin, asked("r2", "one", key=KEY, key_hash=b"1"), 99003.0),
    write(idempotency.free_key, KEY),
    write(admission.begin, asked("rx", "x", key=KEY), 1.0, Bounds(keys=0)),
    write(admission.begin, asked("rx", "x", later=True), 1.0, Bounds(waiting=0)),
    write(admission.begin, asked("r3", "three", later=True, key=hashed("k3")), 1004.0),
    write(admission.begin, asked("r4", "three", body="newer", later=True), 1005.0),
    write(admission.begin, asked("r4b", "three", body="newer", email_verified=True), 1005.5),
    write(admission.begin, asked("r5", "three", later=True, key=hashed("k3")), 1006.0),
    write(admission.begin, asked("r6", "old e-mail", "old body", key=OLDER.key), 1007.0),
    write(
        admission.begin, asked("r7", "new e-mail", key=hashed("new key"), before=(OLDER,)), 1008.0
    ),
    write(admission.begin, asked("r8", "one", later=True), 1009.0),
    read(tally.waiting),
    read(tally.keys_of, KEY),
    read(tally.read),
    write(deferred.claim, 1010.0, 2),
    read(deferred.orphans, 1011.0),
    write(deferred.put_back, "r4", 1011.0),
    write(
        deferred.postpone,
        deferred.DeferredRegistration("r8", b"", False, 1, True, 0, None),
        2000.0,
        1012.0,
    ),
    write(registrations.fail, "r8", 2001.0, 1013.0, doubt=False),
    write(registrations.fail, "r4", 2001.0, 1013.0, doubt=True),
    write(admission.begin, asked("r9", "nine"), 1014.0),
    write(registrations.fail, "r9", 2001.0, 1015.0, doubt=True),
    write(admission.begin, asked("r10", "nine", later=True), 1016.0),
    write(deferred.bring_forward, 1017.0),
    write(deferred.recover, ["r4", "r8", "r9"], 1018.0),
    write(deferred.shift, deferred.Shift.by(50.0, 1018.0)),
    write(deferred.shift, deferred.Shift.by(-50.0, 1018.0)),
    write(deferred.end, ["r4"], PROBLEM, 1019.0),
    write(deferred.end_overdue, PROBLEM, 1019.0, "r8"),
    write(deferred.end_overdue, PROBLEM, 1e9),
    write(deferred.take_over, 1020.0),
    read(registrations.get, "r4"),
    read(registrations.current, "r3"),
    read(is_still, "r4"),
    read(registrations.is_still, OTHER),
    read(registrations.unsettled),
    read(registrations.unsettled_page, "unclear", ""),
    read(registrations.unanswered_ids, hashed("one"), 1020.0),
    read(registrations.sealed_intent, "r1"),
    read(registrations.sealed_intent, "none"),
    write(registrations.mark_unclear, "r1", 1021.0),
    write(registrations.verify, "r1"),
    write(registrations.mark_answered, "r1"),
    write(registrations.mark_untold, "r1"),
    write(registrations.mark_answered, "r1"),
    write(admission.begin, asked("r11", "eleven"), 1022.0),
    write(registrations.refuse, "r11", PROBLEM, 1023.0),
    write(admission.begin, asked("r12", "twelve", later=True), 1024.0),
    write(registrations.refuse, "r12", PROBLEM, 1025.0),
    write(admission.begin, asked("r13", "thirteen"), 1026.0),
    write(registrations.close, "r13", 1027.0),
    write(admission.begin, asked("r14", "fourteen", key=hashed("k14")), 1028.0),
    write(registrations.forget_person, "r14", hashed("k14")),
    write(registrations.drop, "r14"),
    write(idempotency.forget_unanswered_keys, b""),
    async_step("run", takeover.take_over, 5000.0, 1030.0),
    read(inventory.count),
    read(inventory.unknown, ["r1", "unknown"]),
    read(history.registrations, "r", "s"),
)


def ended(delivery_id: int, outcome: Outcome, **more: object) -> AttemptResult:
    return AttemptResult(delivery_id, outcome, started_at=2000.0, **more)  # type: ignore[arg-type]


PLAN = {"member": 5, "unproven": hashed("one").hex(), "fields": {"x": "1"}}
MARKED = Link("smaregi", 7, "900", fingerprints={"a": "s9"})


def keep_back(db: Any, delivery_id: int) -> None:
    found = outbox.get(db, delivery_id)
    if found is not None:
        outbox.keep_back(db, [found])


_EVIDENCE = {"email_key": b"12345678", "kana_key": b"abcdefgh"}
_ACCEPTED = accepted("d1", 7, 2000.0, opened(claimed=True), warnings=[{"code": "w"}])
_FAILED = {"error_class": ErrorClass.TIMEOUT, "message": "late", "content_hash": "c"}

DELIVERIES: tuple[Step, ...] = (
    write(admission.begin, asked("d1", "seven", email_verified=True), 1999.0),
    write(acceptance.accept, [_ACCEPTED]),
    write(
        outbox.settle,
        [
            ended(1, Outcome.DELIVERED, duration=1, reference="900", unproven=b"?",
                  match=Match((901, 902), _EVIDENCE), fingerprints={"a": "s1"}, action="adopted"),
            ended(2, Outcome.RETRYING, next_attempt_at=2100.0, counted=False, **_FAILED),
            ended(3, Outcome.FAILED, **_FAILED),
        ],
        2001.0,
    ),
    write(outbox.settle, [ended(2, Outcome.RETRYING, next_attempt_at=None)], 2002.0),
    write(outbox.add, 7, None, opened(kind=Kind.UPDATE, claimed=True, urgent=True), 2003.0),
    write(outbox.add, 7, "d1", opened(kind=Kind.UPDATE, not_before=2500.0), 2004.0),
    write(outbox.add, 7, "d1", opened("smaregi", kind=Kind.REGISTRATION), 2005.0),
    write(outbox.settle, [ended(4, Outcome.DELIVERED, reference="900", was_linked=True,
                                member_number="7", fingerprints={"b": "s2"})], 2006.0),
    write(outbox.claim, 2, 2007.0),
    write(outbox.claim, 2, 2007.0, 99),
    write(outbox.save_plan, 2, PLAN),
    read(links.is_withheld, "hubspot", 7),
    read(links.is_withheld, "smaregi", 7),
    read(links.planned, FIRST, "hubspot", "5", 0.0),
    write(outbox.add, 8, None, opened("smaregi", "hubspot"), 2008.0),
    write(outbox.claim, 6, 2009.0),
    write(outbox.settle, [ended(6, Outcome.DELIVERED, reference="900")], 2010.0),
    write(outbox.settle, [ended(7, Outcome.DELIVERED, reference="h8", old_number="o")], 2010.0),
    write(outbox.add, 9, None, opened("hubspot", "email", outcome=Outcome.HELD), 2011.0),
    write(outbox.settle, [ended(8, Outcome.DELIVERED, reference="h8", instead_of=8)], 2012.0),
    write(outbox.settle, [ended(99, Outcome.DELIVERED, reference="h99")], 2012.0),
    read(outbox.get, 1),
    read(outbox.get, 999),
    read(outbox.any_of, 7, CHANNELS),
    read(outbox.of_registration, "d1"),
    read(outbox.open_of, [7, 8, 9]),
    read(outbox.open_end, FIRST),
    read(outbox.attempts_of, 1),
    read(outbox.last_attempt),
    read(outbox.find, DeliveryFilter(), limit=3),
    read(outbox.find, DeliveryFilter(channels=("email",), reason=""), limit=3, oldest_first=True,
         after=1, until=9, untouched_since=0),
    read(outbox.page, DeliveryFilter(), Sort.NEXT, None, 2),
    read(outbox.page, DeliveryFilter(), Sort.NEXT, "2500.0:3", 2),
    read(outbox.page, DeliveryFilter(), Sort.TRIES, None, 3),
    read(outbox.page, DeliveryFilter(), Sort.TRIES, "1:5", 3),
    read(outbox.page, DeliveryFilter(), Sort.TRIES, "nowhere", 3),
    read(outbox.page_end, None, 3),
    read(outbox.page_end, 3, 3, oldest_first=False),
    read(outbox.ids, DeliveryFilter(outcomes=(Outcome.HELD,)), 0, 99),
    async_step("engine", search.find, DeliveryFilter(kinds=(Kind.UPDATE,)), limit=9),
    async_step("engine", search.page, DeliveryFilter(customer_id=7), Sort.OLDEST, None, 2),
    async_step("engine", search.count, DeliveryFilter(since=0, until=1e9)),
    read(causes.page, 0),
    read(history.attempts_page, None, 0.0),
    read(history.attempts_page, 3, 3000.0),
    read(outbox.due, "email", 3000.0, 5, [3]),
    read(outbox.due, "hubspot", 3000.0, 5, (), retries=False),
    read(outbox.due_since, "smaregi", 3000.0),
    read(outbox.held, "email", START, 5),
    write(outbox.postpone, [2, 3], Why(), 2013.0),
    write(outbox.wake, Waiting.CHANNEL, "hubspot", 2014.0),
    write(outbox.wake, Waiting.CHANNEL, None, 2015.0),
    write(keep_back, 3),
    write(keep_back, 9),
    read(outbox.kept_back, "email", Outcome.RETRYING, START, 5),
    read(outbox.kept_back, "email", Outcome.RETRYING, (2000.0, 1), 5),
    read(outbox.held, "hubspot", START, 5),
    write(outbox.keep_back, ()),
    write(outbox.let_go, [3]),
    write(outbox.release, [9], 2016.0),
    read(tally.read),
    write(outbox.shift, 10.0, 1 << 40),
    write(outbox.due_now, [9, 3]),
    write(outbox.proven, 7, "email", 2017.0),
    write(outbox.recover, FIRST, 2100.0, 2050.0),
    write(outbox.recreate, [6, 3]),
    write(outbox.discard, 3, "given up", 2051.0),
    write(outbox.take_back, [8, 9]),
    write(outbox.shift_events, 10.0, 1 << 40, 0.0),
    read(proofs.is_known, 7, [hashed("seven")]),
    read(proofs.is_news, 7, [hashed("seven")], signed_in=True),
    write(proofs.prove, 7, [hashed("seven"), hashed("one")], signed_in=True),
    write(proofs.rekey, 7, [hashed("newest"), hashed("seven"), hashed("one")]),
    write(proofs.release, [7]),
    read(links.get, "smaregi", 7),
    read(links.of_customers, CHANNELS, [7, 8, 9]),
    read(links.of_reference, "hubspot", "h8"),
    read(links.of_references, "smaregi", ["900", "901"]),
    read(links.customers_after, 0, 9),
    write(links.set_fingerprints, "smaregi", 7, {"a": "s9"}),
    write(links.update_fingerprints, MARKED, {"a": "s3"}),
    write(links.forget_fingerprint, Link("smaregi", 7, "900"), "a"),
    write(links.refresh, Link("smaregi", 7, "900", "7", {"z": "1"}, "o", "p"), 2060.0),
    write(links.trust, 7, "900"),
    write(links.keep_apart, 7, 900, 2061.0),
    write(links.keep_apart, 7, 900, 2062.0),
    read(links.apart),
    write(links.reunite, 7, 900),
    write(links.remove, "hubspot", 9, "h8"),
    write(backfill.open_page, [(20, opened("hubspot", kind=Kind.BACKFILL)[0])], 2070.0, 2080.0),
    read(backfill.known, "hubspot", [7, 20, 21], ["d1", "none", "r1"]),
    read(backfill.leftovers, "hubspot", FIRST, 5, 3000.0),
    write(backfill.give_back, "hubspot", 2071.0),
    write(backfill.checkpoint, "k", backfill.BackfillCheckpoint("c", 3, 1.0)),
    read(backfill.checkpoint, "k"),
    write(backfill.forget_checkpoint, "k"),
    write(rewinding.rewind, ["email", "hubspot"], 2085.0),
    async_step("run", retention.expire, 900.0, 2100.0),
    async_step("run", retention.expire, 1e6, 1e9),
)  # fmt: skip
