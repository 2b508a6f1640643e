"""What is held about one person: found, shown, erased here; and what is left in each system."""

import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from functools import partial
from typing import Any, Protocol

import orjson

from gateway import frozen
from gateway.app.config import LiveConfig
from gateway.app.identity import SHOP
from gateway.app.people import Readable
from gateway.channels.smaregi import Smaregi
from gateway.customer import gid, numeric_id
from gateway.delivery import Deliverer, Route
from gateway.errors import CommandRefused, Unreachable, UpstreamError
from gateway.normalize import email_key
from gateway.outcomes import Link
from gateway.responses.bodies import iso
from gateway.shopify import Shopify
from gateway.store import Engine, Keys, actions, links, personal, registrations
from gateway.store.personal import Traces
from gateway.sync.webhooks import Erasure

__all__ = ["Privacy"]

PATIENCE = 15.0
"""Seconds that an erasure waits for what is under way about the person."""
_ACTOR = "command"
_REGISTRATION = re.compile(r"[0-9a-f]{32}")

_HOW: Mapping[str, str] = {
    SHOP: "in Shopify's admin open the customer and choose `Erase personal data`; Shopify then "
    "orders the gateway to erase them as well, and until then they may come back here",
    "smaregi": "delete the member in Smaregi's management screen; until then the index of members "
    "here has it too (`members refresh` reads it again)",
    "crm": "in the CRM delete the contact for good (in HubSpot: Delete, then permanently, GDPR)",
    "email": "the welcome mail is in their mailbox, and in what your mail server keeps",
    "backups": "copies of the database from before hold what is shown here, until they are deleted",
}


@frozen
class Who:
    """`subjects`: how the log of actions names whoever was asked for, newest secret first.

    `others` signed up with this e-mail and have another one now. `members` of Smaregi have the
    e-mail. `unasked`: systems that could not be asked.
    """

    subjects: tuple[str, ...]
    known: Traces = field(default_factory=Traces)
    others: frozenset[int] = frozenset()
    unasked: frozenset[str] = frozenset()
    by_email: bool = False
    in_shopify: frozenset[int] = frozenset()


class PrivacyParts(Protocol):
    """Whom this room asks."""

    @property
    def live(self) -> LiveConfig: ...
    @property
    def db(self) -> Engine: ...
    @property
    def keys(self) -> Keys: ...
    @property
    def shopify(self) -> Shopify: ...
    @property
    def smaregi(self) -> Smaregi: ...
    @property
    def deliverer(self) -> Deliverer: ...
    @property
    def erasure(self) -> Erasure: ...


class Privacy:
    def __init__(self, parts: PrivacyParts) -> None:
        self._of = parts

    async def show(self, text: str) -> dict[str, Any]:
        """`text`: an e-mail, a Shopify customer id or gid, or the id of a registration."""
        who = await self._who(text)
        shown = await self._shown(who)
        await self._of.db.write(lambda db: actions.add(db, self._action("privacy_show", who)))
        return shown

    async def erase(self, text: str) -> dict[str, Any]:
        """As `show`; `erased` and `left` are counts by table. Nothing at all is done where there
        is something `in_the_way`.

        By e-mail Shopify must say whose it is now: Unreachable where it cannot be asked.
        """
        who = await self._who(text)
        if who.by_email and SHOP in who.unasked:
            raise Unreachable(
                "Shopify cannot be asked now whose e-mail this is. Nothing was done: try again "
                "later, or name the customer by the id."
            )
        theirs = await self._of.db.read(lambda db: personal.traces(db, who.known))
        who = replace(who, known=theirs)  # what tells which rows are theirs goes as well
        before = await self._shown(who)
        action = self._action("privacy_erase", who)
        found = await self._of.erasure.wipe(who.known, action, PATIENCE)
        if found:
            return before | {"in_the_way": [each.text for each in found]}
        gone = [int(each["record"]) for each in before["elsewhere"]
                if each["system"] == "smaregi" and each["state"] == "gone"]  # fmt: skip
        if gone:
            await self._of.smaregi.index.forget(gone)
        left = await self._held(who)
        return before | {"in_the_way": [], **_difference(before["held"], left)}

    # -- who it is

    def _action(self, action: str, who: Who) -> actions.Action:
        """Whom it was about is in the log as a keyed hash only."""
        return actions.Action(self._of.db.now(), _ACTOR, action, subject=who.subjects[0])

    async def _who(self, text: str) -> Who:
        if email_key(text):
            return await self._by_email(text)
        try:
            return await self._by_id(numeric_id(text))
        except ValueError:
            if _REGISTRATION.fullmatch(text) is None:
                raise CommandRefused(
                    "Name an e-mail address, a Shopify customer id such as 7000000000001, or the "
                    "id of a registration."
                ) from None
        return await self._by_registration(text)

    async def _by_email(self, email: str) -> Who:
        emails = self._of.keys.emails(email)
        known = await self._of.db.read(lambda db: personal.of_email(db, emails))
        customers = known.customers | await self._proven(emails)
        members, unasked = await self._members(email)
        linked = await self._of.db.read(
            lambda db: links.of_references(db, "smaregi", map(str, sorted(members)))
        )
        customers |= {link.customer_id for link in linked}
        who = Who(self._subjects(email_key(email)), by_email=True)
        try:
            found = await self._of.shopify.find("", email)
            read = await self._of.shopify.read(customers)
        except UpstreamError:
            theirs = replace(known, customers=customers, members=members)
            return replace(who, known=theirs, unasked=unasked | {SHOP})
        key = email_key(email)
        others = frozenset(i for i, c in read.items() if email_key(c.profile.email) != key)
        there = (read.keys() | {each.id for each in (found,) if each}) - others
        theirs = replace(known, customers=(customers | there) - others, members=members)
        return replace(
            who, known=theirs, others=others, unasked=unasked, in_shopify=frozenset(there)
        )

    async def _by_id(self, customer_id: int) -> Who:
        known = Traces(frozenset({customer_id}))
        who = Who(self._subjects(str(customer_id)), known)
        try:
            customer = (await self._of.shopify.read([customer_id])).get(customer_id)
        except UpstreamError:
            return replace(who, unasked=frozenset({SHOP}))
        if customer is None:
            return who
        emails = self._of.keys.emails(customer.profile.email)
        alone = await self._of.db.read(lambda db: personal.of_email(db, emails).registrations)
        members, unasked = await self._members(customer.profile.email)
        known = replace(known, registrations=alone, members=members)
        return replace(who, known=known, unasked=unasked, in_shopify=frozenset({customer_id}))

    async def _by_registration(self, registration_id: str) -> Who:
        row = await self._of.db.read(lambda db: registrations.current(db, registration_id))
        if row is not None and row.customer_id is not None:
            return await self._by_id(row.customer_id)
        known = Traces(registrations=frozenset({row.id} if row else ()))
        return Who(self._subjects(registration_id), known)

    def _subjects(self, text: str) -> tuple[str, ...]:
        return tuple(keys.hash(b"privacy", text).hex() for keys in self._of.keys.every)

    async def _proven(self, emails: tuple[bytes, ...]) -> set[int]:
        customers: set[int] = set()
        place: int | None = -1
        while place is not None:
            look = partial(personal.proven, emails=emails, after=place)
            found, place = await self._of.db.read(look)
            customers |= found
        return customers

    async def _members(self, email: str) -> tuple[frozenset[int], frozenset[str]]:
        """Members with this e-mail, as the index has them; and who could not be asked."""
        if not self._of.live.policy.uses("smaregi"):
            return frozenset(), frozenset()
        index = self._of.smaregi.index
        try:
            await self._of.smaregi.members_fresh()
            found = await index.by_email(email)
        except UpstreamError:
            return frozenset(), frozenset({"smaregi"})
        return frozenset(each.member_id for each in found), frozenset()

    # -- what there is

    async def _shown(self, who: Who) -> dict[str, Any]:
        held, elsewhere = await self._held(who), await self._elsewhere(who)
        systems = {each["system"] for each in elsewhere if each["state"] != "gone"}
        systems |= who.unasked | ({"email", "backups"} if held else set())
        return {
            "shopify_customer_ids": [gid(each) for each in sorted(who.known.customers)],
            "held": held,
            "elsewhere": elsewhere,
            "how": {system: how for system, how in _HOW.items() if system in systems},
            "other_customers": [gid(each) for each in sorted(who.others)],
            "unasked": sorted(who.unasked),
        }

    async def _held(self, who: Who) -> list[dict[str, Any]]:
        days = self._of.live.policy.retention_days
        known = replace(who.known, subjects=frozenset(who.subjects))

        def unit(db: sqlite3.Connection) -> dict[str, list[dict[str, Any]]]:
            return personal.find(db, personal.traces(db, known))

        found = await self._of.db.read(unit)
        return [
            {"table": name, "what": table.what, "kept": table.kept, "stays": table.stays,
             "rows": [_plain(row) for row in found[name]]}
            for name, table in personal.words(found, days).items()
        ]  # fmt: skip

    async def _elsewhere(self, who: Who) -> list[dict[str, Any]]:
        """Each record of theirs in another system, whether it is there, and how it is erased."""
        routes = self._of.deliverer.routes
        linked = await self._of.db.read(
            lambda db: links.of_customers(db, tuple(routes), who.known.customers)
        )
        rows = [_row(SHOP, gid(each), self._state_in_shopify(each, who))
                for each in sorted(who.known.customers)]  # fmt: skip
        rows += [await self._record(routes[link.channel], link) for link in linked.values()]
        alone = who.known.members - {_number(link) for link in linked.values()}
        rows += [_row("smaregi", str(each), "there") for each in sorted(alone)]
        return rows

    def _state_in_shopify(self, customer_id: int, who: Who) -> str:
        if SHOP in who.unasked:
            return "unknown"
        return "there" if customer_id in who.in_shopify else "gone"

    async def _record(self, route: Route, link: Link) -> dict[str, Any]:
        name, state = route.spec.name, "unknown"
        if not isinstance(route.channel, Readable):
            state = "sent"
        elif not route.settings().missing():
            try:
                record = await route.channel.record(link.reference)
                state = "gone" if record is None else "there"
            except UpstreamError:
                pass
        return _row(name, link.reference, state)


def _number(link: Link) -> int:
    is_member = link.channel == "smaregi" and link.reference.isdecimal()
    return int(link.reference) if is_member else 0


def _row(system: str, record: str, state: str) -> dict[str, Any]:
    return {"system": system, "record": record, "state": state}


def _difference(before: Iterable[Any], after: Iterable[Any]) -> dict[str, Any]:
    """What has gone, and what is left and why; in numbers of rows."""
    left = {each["table"]: each for each in after}
    gone = {each["table"]: len(each["rows"]) - len(left.get(each["table"], {"rows": ()})["rows"])
            for each in before}  # fmt: skip
    return {
        "erased": {name: count for name, count in gone.items() if count > 0},
        "left": [{"table": name, "rows": len(each["rows"]), "what": each["what"],
                  "why": each["stays"], "kept": each["kept"]}
                 for name, each in left.items()],
    }  # fmt: skip


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Times as the HTTP API has them; what is kept as JSON as what it is; nothing that is empty."""
    found = {}
    for name, value in row.items():
        if name == "at" or name.endswith("_at"):
            found[name] = iso(value)
        elif name in {"warnings", "problem", "reasons"} and value:
            found[name] = orjson.loads(value)
        else:
            found[name] = value
    return {name: value for name, value in found.items() if value not in (None, "", [])}
