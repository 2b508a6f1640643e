"""What the match rules and the possible duplicates make of a town, beside an e-mail-only rule."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from gateway.channels.smaregi.mapping import member_fields
from gateway.customer import Customer, Profile
from gateway.duplicates.finder import examine
from gateway.matching import CreateNew, LinkTo, choose
from gateway.matching.match_keys import MemberHasher
from gateway.normalize import kana_key, name_key
from gateway.outcomes import Match
from gateway.store import Keys, duplicate_queue, duplicates, members, signup_evidence
from gateway.store.members import Member
from tests.duplicates.town import Person, Record, Town

__all__ = ["Verdict", "judge_town"]

_FIRST_CUSTOMER = 7_000_000_000_000
_NOW = 1_790_000_000.0


@dataclass
class Verdict:
    """Links are (person, member) pairs; duplicates are pairs of members."""

    links: list[tuple[int, int]] = field(default_factory=list)
    wrong_links: list[tuple[int, int]] = field(default_factory=list)
    wrong_against_evidence: list[tuple[int, int]] = field(default_factory=list)
    wrong_in_name_alone: int = 0
    email_links: int = 0
    email_wrong: int = 0
    with_record: int = 0
    recognised: int = 0
    recognised_or_listed: int = 0
    recognised_by_email: int = 0
    true_pairs: int = 0
    listed: int = 0
    listed_true: int = 0
    likely: int = 0
    likely_true: int = 0

    def lines(self) -> Iterator[str]:
        def share(part: int, whole: int) -> str:
            return f"{part / whole:.3f} ({part} of {whole})" if whole else "-"

        right = len(self.links) - len(self.wrong_links)
        email_right = self.email_links - self.email_wrong
        yield f"automatic links, precision            {share(right, len(self.links))}"
        yield f"  wrong although the records say so   {len(self.wrong_against_evidence)}"
        yield f"  wrong in name, a birth date missing {self.wrong_in_name_alone}"
        yield f"an e-mail-only rule, precision        {share(email_right, self.email_links)}"
        yield "customers who are store members already:"
        yield f"  linked                              {share(self.recognised, self.with_record)}"
        found = share(self.recognised_or_listed, self.with_record)
        yield f"  linked, or a possible duplicate     {found}"
        by_email = share(self.recognised_by_email, self.with_record)
        yield f"  linked by an e-mail-only rule       {by_email}"
        yield "possible duplicates:"
        yield f"  recall of the pairs there are       {share(self.listed_true, self.true_pairs)}"
        yield f"  precision of the list               {share(self.listed_true, self.listed)}"
        yield f"  precision without e-mail alone      {share(self.likely_true, self.likely)}"


def open_index() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    db.executescript(files("gateway.store").joinpath("schema.sql").read_text("utf-8"))
    return db


class _Judging:
    def __init__(self, town: Town, *, link_contradicted: bool) -> None:
        self.town = town
        self.link_contradicted = link_contradicted
        self.db = open_index()
        self.hasher = MemberHasher(Keys("a secret of the tests").derived(b"members"))
        self.owner = {int(r.row["customerId"]): r.person for r in town.records}
        self.row = {int(r.row["customerId"]): r.row for r in town.records}
        self.person = {p.id: p for p in town.people}
        self.records: dict[int, list[Record]] = defaultdict(list)
        for record in town.records:
            self.records[record.person].append(record)
        self.verdict = Verdict()
        self.member_of: dict[int, int] = {}

    def run(self) -> Verdict:
        members.upsert(self.db, [self.hasher.values(r.row) for r in self.town.records])
        self.db.execute("BEGIN")
        for person in self.town.online:
            self.sign_up(person)
        while linked := duplicate_queue.next_linked(self.db, 1000):
            for member_id in linked:
                examine(self.db, member_id, _NOW)
                duplicate_queue.linked_done(self.db, member_id)
        self.count()
        return self.verdict

    def sign_up(self, person: Person) -> None:
        assert person.told is not None
        key = self.hasher.email(person.told.email)
        candidates = members.by_email(self.db, key) if key else []
        free = [m for m in candidates if not duplicate_queue.linked(self.db, [m.member_id])]
        self.by_email_only(person, free)
        evidence = self.hasher.evidence(person.told)
        choice = choose(free, evidence, link_contradicted=self.link_contradicted)
        if isinstance(choice, LinkTo):
            match = Match(_ids(choice.others), choice.signup_evidence)
            self.linked(person, choice.member.member_id, match)
            self.judge_link(person, choice.member.member_id)
        elif isinstance(choice, CreateNew):
            self.linked(person, self.create(person), Match(_ids(choice.possible)))

    def by_email_only(self, person: Person, candidates: list[Member]) -> None:
        usable = [m for m in candidates if m.status != 4]
        if usable:
            self.verdict.email_links += 1
            right = self.owner[usable[0].member_id] == person.id
            self.verdict.email_wrong += not right
            self.verdict.recognised_by_email += right

    def create(self, person: Person) -> int:
        assert person.told is not None
        member_id = 1_000_000 + person.id
        fields, _ = member_fields(Customer(_FIRST_CUSTOMER + person.id, person.told))
        row = {"customerId": member_id, **fields}
        members.upsert(self.db, [self.hasher.values(row)])
        self.owner[member_id] = person.id
        return member_id

    def linked(self, person: Person, member_id: int, match: Match) -> None:
        customer = _FIRST_CUSTOMER + person.id
        self.member_of[person.id] = member_id
        self.db.execute(
            """INSERT INTO links (channel, customer_id, reference, created_at, updated_at)
               VALUES ('smaregi', ?, ?, 0, 0)""",
            (customer, str(member_id)),
        )
        duplicate_queue.linked_now(self.db, [(customer, member_id, match)], _NOW)
        for told in duplicate_queue.evidence_of(self.db, [member_id]).values():
            signup_evidence.put(self.db, *told)
        duplicate_queue.add_all_linked(self.db)

    def judge_link(self, person: Person, member_id: int) -> None:
        self.verdict.links.append((person.id, member_id))
        if self.owner[member_id] != person.id:
            self.verdict.wrong_links.append((person.id, member_id))
            other_name, other_birth = self.speaks_against(person, self.row[member_id])
            if other_name and other_birth:
                self.verdict.wrong_against_evidence.append((person.id, member_id))
            self.verdict.wrong_in_name_alone += other_name and not other_birth

    def speaks_against(self, person: Person, row: dict[str, Any]) -> tuple[bool, bool]:
        """Whether both sides have a name, and they are two; whether so of the birth date."""
        told, owner = person.told, self.person[self.owner[int(row["customerId"])]]
        assert told is not None
        named = bool(row.get("lastKana") and told.last_kana) or row["firstName"] == owner.first[0]
        dated = bool(row.get("birthDate") and told.birth_date)
        return named and _other_name(told, owner), dated and owner.birth != person.birth

    def count(self) -> None:
        verdict = self.verdict
        found = duplicates.find(self.db, limit=1_000_000)
        same = {
            (p.low_id, p.high_id) for p in found if self.owner[p.low_id] == self.owner[p.high_id]
        }
        verdict.listed, verdict.listed_true = len(found), len(same)
        likely = [p for p in found if p.score >= 40]
        verdict.likely = len(likely)
        verdict.likely_true = len({(p.low_id, p.high_id) for p in likely} & same)
        for person in self.town.online:
            self.count_person(person, same)

    def count_person(self, person: Person, same: set[tuple[int, int]]) -> None:
        theirs = {int(r.row["customerId"]) for r in self.records[person.id]}
        mine = self.member_of.get(person.id)
        if not theirs or mine is None:
            return
        self.verdict.with_record += 1
        linked = self.owner[mine] == person.id and mine in theirs
        pairs = {_ordered(mine, other) for other in theirs - {mine}}
        if self.owner[mine] == person.id:
            self.verdict.true_pairs += len(pairs)
        self.verdict.recognised += linked
        self.verdict.recognised_or_listed += linked or bool(pairs & same)


def _other_name(told: Profile, owner: Person) -> bool:
    if told.last_kana:
        theirs = "".join(name[1] for name in (owner.last, owner.first))
        return kana_key(told.last_kana + told.first_kana) != kana_key(theirs)
    theirs = "".join(name[0] for name in (owner.last, owner.first))
    return name_key(told.last_name + told.first_name) != name_key(theirs)


def _ids(found: tuple[Member, ...]) -> tuple[int, ...]:
    return tuple(member.member_id for member in found)


def _ordered(one: int, other: int) -> tuple[int, int]:
    return (min(one, other), max(one, other))


def judge_town(town: Town, *, link_contradicted: bool = False) -> Verdict:
    return _Judging(town, link_contradicted=link_contradicted).run()
