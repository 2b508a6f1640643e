"""Members, duplicates, webhooks, removals, and everything about one person."""

from typing import Any

from gateway.outcomes import Identity, Kind, Match, Outcome
from gateway.store import (
    actions,
    duplicate_queue,
    duplicates,
    erasure,
    events,
    identities,
    links,
    member_pass,
    members,
    merges,
    outbox,
    personal,
    proofs,
    rekeying,
    removals,
    rewinding,
    signup_evidence,
    tally,
    unfinished,
)
from gateway.store.events import NewEvent
from gateway.store.outbox import AttemptResult
from gateway.store.personal import Traces
from tests.store.postgres.sign_ups import SIGN_UPS, hashed, opened
from tests.store.postgres.steps import Step, read, write

__all__ = ["MEMBERS", "PERSONS", "WEBHOOKS"]


def member(number: int, updated_at: int = 1, **keys: bytes) -> tuple[Any, ...]:
    one = members.Member(
        number, f"c{number}", f"n{number}", None, 0, None, None, None, "2026-01-01", updated_at
    )
    return tuple(keys.get(name, getattr(one, name)) for name in members.COLUMNS.split(", "))


A, B = b"aaaaaaaa", b"bbbbbbbb"
ALL_KEYS: Any = {"email_key": A, "mobile_key": A, "kana_key": A, "name_key": A, "birth_key": A,
            "postal_key": A, "place_key": A}  # fmt: skip


def linked(customer: int, reference: str, delivery: int, **more: Any) -> tuple[Step, ...]:
    end = AttemptResult(delivery, Outcome.DELIVERED, started_at=1.0, reference=reference, **more)
    return (
        write(outbox.add, customer, None, opened("smaregi"), 10.0),
        write(outbox.settle, [end], 11.0),
    )


MEMBERS: tuple[Step, ...] = (
    write(members.upsert, [member(1, **ALL_KEYS), member(2, email_key=A), member(3, mobile_key=A)]),
    write(
        members.upsert, [member(1, 2, **ALL_KEYS), member(2, 0), member(4, kana_key=A, birth_key=A)]
    ),
    write(members.write_page, 2, 4, [member(2, 9, email_key=A)], {2, 3}),
    read(members.get, 1),
    read(members.get, 99),
    read(members.by_email, A),
    read(members.parts),
    read(members.emails, 0, b""),
    read(members.emails, 0, A),
    read(members.by_mobile, A),
    read(members.alike, members.Member(9, "", "", A, 0, A, A, A, "", 1, A, A, A)),
    read(members.number_taken, "n1"),
    read(members.size),
    *linked(7, "1", 1, match=Match((2, 3), {"email_key": A, "mobile_key": B})),
    *linked(8, "2", 2, match=Match((), {"email_key": A})),
    write(members.forget, [3]),
    write(member_pass.begin, 100.0, "keys", 50.0, again=False),
    write(member_pass.begin, 101.0, "keys", 50.0, again=False),
    write(member_pass.complete, "stamp", "keys", 101.0),
    write(duplicate_queue.add, [1, 2, 2, 5]),
    read(duplicate_queue.next_changed, 9),
    read(duplicate_queue.unknown),
    read(duplicate_queue.next_linked, 9),
    read(duplicate_queue.is_through),
    read(duplicate_queue.is_waiting),
    read(duplicate_queue.waiting),
    write(
        duplicate_queue.linked_now,
        [(8, 2, Match((1, 3), {"email_key": A})), (9, 3, Match())],
        102.0,
    ),
    read(duplicate_queue.evidence_of, [1, 2]),
    write(duplicate_queue.linked_done, 1),
    write(duplicate_queue.all_linked_done),
    write(duplicate_queue.add_all_linked),
    write(duplicate_queue.clear_evidence),
    write(duplicate_queue.done, [1, 99]),
    write(duplicate_queue.done, [5, 6]),
    read(duplicate_queue.linked, [1, 2, 3]),
    write(signup_evidence.put, 7, {"email_key": A, "kana_key": B, "birth_key": B}),
    write(signup_evidence.put, 7, {"email_key": A, "mobile_key": A}),
    write(signup_evidence.put, 70, {"email_key": A}),
    read(signup_evidence.of_members, [1, 2]),
    read(signup_evidence.alike, dict.fromkeys(signup_evidence.COLUMNS, A)),
    write(signup_evidence.forget_unlinked, 0),
    write(duplicates.upsert, 1, 2, ["email"], 50, 103.0),
    write(duplicates.upsert, 2, 1, ["email", "kana"], 60, 104.0),
    write(duplicates.upsert, 1, 9, [], 10, 105.0),
    write(links.keep_apart, 7, 4, 106.0),
    write(duplicates.upsert, 4, 1, ["apart"], 10, 106.0),
    write(duplicates.add_bare, 2, [1, 2, 8], 107.0),
    write(duplicates.add_merged, 2, [1, 9], 107.0),
    read(duplicates.get, 2, 1),
    read(duplicates.of_member, 1),
    read(duplicates.find, limit=9),
    read(duplicates.find, limit=9, every_state=True, min_score=5, after=(60, 1, 2)),
    write(duplicates.set_state, 1, 9, "rejected", 108.0),
    write(duplicates.forget, duplicates.Pair(2, 8, "open", (), 0, 0.0, 0.0)),
    write(duplicates.forget_gone, (0, 0), 1e9),
    read(tally.read),
    write(merges.write, merges.Merge(1, 2, "taking", 7, 100, 200, None, 1.0, 2.0)),
    write(merges.write, merges.Merge(1, 2, "taken", 7, 100, 200, "why", 1.0, 3.0)),
    write(merges.write, merges.Merge(3, 2, "begun")),
    read(merges.get, 2, 1),
    read(merges.unfinished),
    read(merges.others, 2, 3),
    write(rewinding.rewind, ["email"], 109.0),
    write(merges.forget, merges.Merge(3, 2, "begun")),
    read(identities.merges_open),
    read(rewinding.rewound_at),
)

WEBHOOKS: tuple[Step, ...] = (
    write(events.add, NewEvent("shopify:1", "shopify", "customers/update", 7), 200.0),
    write(events.add, NewEvent("shopify:1", "shopify", "customers/update", 7), 201.0),
    write(events.add, NewEvent("shopify:2", "shopify", "customers/merge", 7, 8), 202.0),
    write(events.add, NewEvent("smaregi:3", "smaregi", "members", members=(1, 2)), 203.0),
    write(events.add, NewEvent("shopify:4", "shopify", "customers/delete", 9), 204.0),
    read(events.due, "shopify", 300.0, 2),
    read(events.due, "smaregi", 300.0, 2),
    read(events.survivor, 8),
    read(events.is_being_merged, 8),
    write(events.later, ["shopify:1"], 400.0, 205.0, "away", counted=True),
    write(events.failed, ["shopify:4"], "no", 206.0),
    read(tally.read),
    write(outbox.shift_events, 5.0, 1 << 40, 1e9),
    write(outbox.shift_events, 5.0, 1 << 40, 1.0),
    write(events.resume, 207.0),
    write(events.bring_forward, 208.0),
    write(events.settled, ["shopify:2", "shopify:1"], 209.0),
    write(events.no_merge, "shopify:2"),
    read(tally.read),
    write(removals.notice, [7, 8, 99], "gone", 300.0),
    write(removals.notice, [7], "redact", 301.0, said=[7]),
    write(removals.judge, "gone", 302.0),
    write(removals.judge, "redact", 302.0, 1),
    read(removals.are_some),
    write(removals.begin, 7, "redact", 303.0),
    write(removals.begin, 8, "gone", 303.5),
    write(removals.hold, 7, 304.0),
    write(removals.hold, 7, 305.0),
    read(removals.held),
    read(removals.kept, [7, 8]),
    read(removals.find, "held"),
    write(removals.decide, removals.Removal(7, "exists", "held", 0.0), "confirmed", 306.0),
    write(removals.begin, 7, "exists", 307.0),
    write(removals.notice, [8], "gone", 308.0, said=[8]),
    write(removals.back, [8]),
    write(removals.old, 1e6),
    *(write(removals.notice, [number], "gone", 309.0) for number in range(6, 10)),
    write(outbox.add, 7, None, opened("hubspot", kind=Kind.REMOVAL), 310.0),
)

_OF_SEVEN = Traces(frozenset({7}), frozenset({"r1"}), frozenset({1}), frozenset({"s"}))

PERSONS: tuple[Step, ...] = (
    *SIGN_UPS[:4],
    write(proofs.prove, 7, [hashed("one")]),
    write(proofs.keep, [(8, hashed("one"))]),
    write(actions.add, actions.Action(500.0, "staff", "redact", 7, "s", "asked")),
    write(actions.add, actions.Action(501.0, "staff", "look")),
    read(actions.page, None, 9),
    read(actions.page, 2, 9, 7),
    read(personal.of_email, [hashed("one"), hashed("two")]),
    read(personal.proven, [hashed("one")], 0),
    read(personal.traces, Traces(frozenset({7}))),
    read(personal.find, _OF_SEVEN),
    read(unfinished.of_person, _OF_SEVEN, ["customers/merge", "customers/delete"]),
    write(outbox.add, 7, None, opened("email", kind=Kind.UPDATE), 510.0),
    write(outbox.save_plan, 4, {"fields": {"a": "1"}, "was": [1]}),
    read(erasure.is_under_way, [7]),
    read(erasure.removals_open, 7),
    read(erasure.given_up, 7),
    read(erasure.in_doubt, 7, ["hubspot", "email", "smaregi"]),
    write(erasure.replaces, 4, 77),
    write(rekeying.set_used, {"f1": None}),
    read(rekeying.used),
    write(rekeying.set_checkpoint, rekeying.RotationCheckpoint("f2", 3, 4)),
    read(rekeying.checkpoint),
    read(rekeying.intents_after, "", 9),
    write(rekeying.intent, "r1", b"again", b"body", (hashed("one"), hashed("1"))),
    read(rekeying.customers_after, 0, 9),
    write(rekeying.customer, 7, [hashed("1"), hashed("one")], {"email_key": B}),
    read(rekeying.record_of, "email", 7),
    write(rekeying.record, "email", 7, lambda found: {**found, "a": "2"}, ["new", "old"]),
    write(rekeying.record, "smaregi", 7, lambda found: {**found, "a": "2"}, ["new", "old"]),
    write(rekeying.finish, "f2", ["f1"], 600.0),
    write(identities.pin, "shopify", Identity("1", "", "shop"), 700.0),
    write(identities.pin, "shopify", Identity("2", "live", "shop"), 701.0),
    read(identities.get, "shopify"),
    read(identities.all_of),
    write(erasure.move_evidence, 7, 8),
    write(erasure.move_deliveries, 7, 9, ["email"], "merged", 702.0),
    write(erasure.move_link, "smaregi", 7, 9, {"a": "3"}, 703.0),
    write(erasure.discard_open, 9, 704.0),
    write(personal.wipe, _OF_SEVEN),
    write(erasure.wipe, 8),
    write(actions.expire, 501.0),
    write(actions.forget),
    write(identities.forget_channel, "smaregi", 705.0),
    write(identities.forget_members, 706.0),
    write(identities.forget_shop, 707.0),
    write(erasure.wipe_shop),
    read(tally.read),
)
