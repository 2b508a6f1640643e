"""One person across the systems: found, read live from each, compared, and sent again.

Nothing that is read here is kept.
"""

import asyncio
import sqlite3
import unicodedata
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Protocol, runtime_checkable

from flags import Mode
from gateway import frozen
from gateway.app.config import LiveConfig
from gateway.channels.smaregi import Smaregi
from gateway.customer import Address, Customer, numeric_id
from gateway.delivery import Deliverer, Route, Worker
from gateway.delivery.opening import sent_again
from gateway.errors import CommandRefused, NotReadyError, UpstreamError
from gateway.normalize import parse_phone, prefecture
from gateway.outcomes import Delivery, DeliveryFilter, Link
from gateway.shopify import Shopify
from gateway.store import Engine, links, outbox

__all__ = ["FIELDS", "KINDS", "Found", "People", "Person", "Record"]

KINDS = ("email", "phone", "number", "shopify_id")
"""By what a person is looked for; `number` is a member number or that of a card."""
FIELDS = (
    *("email", "name", "kana", "phone", "birth_date", "gender", "postal_code", "address"),
    "accepts_marketing",
)
"""What is compared, in this order."""
_LATEST = 20


@runtime_checkable
class Readable(Protocol):
    """A channel whose record of a customer can be read; `shown` says it in the words of FIELDS."""

    async def record(self, reference: str) -> Mapping[str, Any] | None: ...

    def shown(self, fields: Mapping[str, Any]) -> Mapping[str, str]: ...


@frozen
class Found:
    """`members` are those of Smaregi that are linked to no customer. `unasked`: systems that could
    not be asked now.
    """

    customers: frozenset[int] = frozenset()
    members: frozenset[int] = frozenset()
    unasked: frozenset[str] = frozenset()


@frozen
class Record:
    """What a channel has of a customer. `has` is None where it has none, or cannot be read now
    (`error`: the class); `differs` are the fields of which it has something else than Shopify.
    """

    system: str
    reference: str | None = None
    has: Mapping[str, str] | None = None
    differs: frozenset[str] = frozenset()
    error: str | None = None


@frozen
class Person:
    """`told`: what Shopify says. `points` and `number` are of the member, None where unknown."""

    customer: Customer
    told: Mapping[str, str]
    records: tuple[Record, ...]
    deliveries: tuple[Delivery, ...]
    number: str | None = None
    points: int | None = None
    unasked: frozenset[str] = field(default_factory=frozenset)


class PeopleParts(Protocol):
    """Whom this room asks."""

    @property
    def live(self) -> LiveConfig: ...
    @property
    def db(self) -> Engine: ...
    @property
    def shopify(self) -> Shopify: ...
    @property
    def smaregi(self) -> Smaregi: ...
    @property
    def deliverer(self) -> Deliverer: ...
    @property
    def worker(self) -> Worker: ...


class People:
    def __init__(self, parts: PeopleParts) -> None:
        self._of = parts

    # -- finding

    async def find(self, kind: str, text: str) -> Found:
        """Each system that can be asked is; one that cannot is told, and hides nobody else."""
        looks = [self._in_shopify(kind, text), self._in_smaregi(kind, text)]
        customers: set[int] = set()
        members: set[int] = set()
        unasked = set()
        for system, found in zip(
            ("shopify", "smaregi"),
            await asyncio.gather(*looks, return_exceptions=True),
            strict=True,
        ):
            if isinstance(found, UpstreamError):
                unasked.add(system)
            elif isinstance(found, BaseException):
                raise found
            else:
                (customers if system == "shopify" else members).update(found)
        linked, alone = await self._owners(members)
        return Found(frozenset(customers | linked), frozenset(alone), frozenset(unasked))

    async def _in_shopify(self, kind: str, text: str) -> set[int]:
        found: Customer | None = None
        match kind:
            case "email":
                found = await self._of.shopify.find("", text)
            case "phone":
                phone = parse_phone(text)
                e164 = phone.e164 if phone else None
                found = await self._of.shopify.by_phone(e164) if e164 else None
            case _:
                return set(await self._of.shopify.read(_as_id(text)))
        return {found.id} if found else set()

    async def _in_smaregi(self, kind: str, text: str) -> set[int]:
        smaregi = self._of.smaregi
        if kind == "shopify_id":
            return set()
        if kind == "number":
            rows = await smaregi.ownership.with_number(text) if _is_number(text) else []
            return {int(row["customerId"]) for row in rows}
        if not smaregi.index.ready:
            raise NotReadyError("smaregi", "the store's members are being read for the first time")
        index = smaregi.index
        found = await (index.by_email(text) if kind == "email" else index.by_mobile(text))
        return {member.member_id for member in found}

    async def _owners(self, members: set[int]) -> tuple[set[int], set[int]]:
        """The customers to whom they are linked, and those that are linked to none."""

        def unit(db: sqlite3.Connection) -> dict[int, Link | None]:
            return {i: links.of_reference(db, "smaregi", str(i)) for i in members}

        known = await self._of.db.read(unit)
        linked = {link.customer_id for link in known.values() if link}
        return linked, {i for i, link in known.items() if link is None}

    # -- looking

    async def look(self, customer_id: int) -> Person | None:
        """None where Shopify has no such customer. UpstreamError where it cannot be asked."""
        customer = (await self._of.shopify.read([customer_id])).get(customer_id)
        if customer is None:
            return None
        chosen = DeliveryFilter(customer_id=customer_id)

        def unit(db: sqlite3.Connection) -> tuple[Mapping[tuple[int, str], Link], list[Delivery]]:
            names = tuple(self._of.deliverer.routes)
            known = links.of_customers(db, names, [customer_id])
            return known, outbox.find(db, chosen, limit=_LATEST)

        known, deliveries = await self._of.db.read(unit)
        linked = {name: link for (_, name), link in known.items()}
        routes = self._of.deliverer.routes
        records = await asyncio.gather(
            *(self._record(route, customer, linked.get(name)) for name, route in routes.items()
              if isinstance(route.channel, Readable))
        )  # fmt: skip
        member = linked.get("smaregi")
        return Person(
            customer,
            _told(customer),
            tuple(records),
            tuple(deliveries),
            member.member_number if member else None,
            await self._points(member),
        )

    async def _record(self, route: Route, customer: Customer, link: Link | None) -> Record:
        name, channel = route.spec.name, route.channel
        assert isinstance(channel, Readable)  # noqa: S101 - the caller has looked
        if link is None:
            return Record(name)
        if route.settings().missing():
            return Record(name, link.reference, error="settings")
        try:
            fields = await channel.record(link.reference)
        except UpstreamError as error:
            return Record(name, link.reference, error=error.error_class)
        if fields is None:
            return Record(name, link.reference)
        has, given = channel.shown(fields), channel.shown(route.channel.fields_of(customer))
        differs = {f for f in FIELDS if given.get(f) and _folded(given[f]) != _folded(has.get(f))}
        return Record(name, link.reference, has, frozenset(differs))

    async def _points(self, member: Link | None) -> int | None:
        if member is None:
            return None
        try:
            return await self._of.smaregi.client.balance(member.reference)
        except UpstreamError:
            return None

    # -- sending again

    async def send_again(self, customer_id: int, channel: str) -> Delivery:
        """A delivery that is due now. Refused where the channel's flag does not let it go."""
        customer = (await self._of.shopify.read([customer_id])).get(customer_id)
        if customer is None:
            raise CommandRefused(f"Shopify has no customer {customer_id}.")
        flag = self._of.live.current.flags[channel].decide(customer_id, customer.profile.email)
        if flag.mode is not Mode.ON:
            raise CommandRefused(
                f"FLAG_{channel.upper()} is not `on` for this customer (see `flags`)."
            )
        if not self._of.deliverer.routes[channel].channel.takes(customer):
            raise CommandRefused("The customer lacks what this system needs: an e-mail or a name.")
        new, now = sent_again(channel), self._of.db.now()
        written = await self._of.db.write(lambda db: outbox.add(db, customer_id, None, [new], now))
        self._of.worker.wake(channel)
        return written[0]


def _as_id(text: str) -> list[int]:
    try:
        return [numeric_id(text)]
    except ValueError:
        return []


def _is_number(text: str) -> bool:
    return 0 < len(text) <= 20 and text.isprintable() and " " not in text


def _told(customer: Customer) -> dict[str, str]:
    profile = customer.profile
    address = profile.address
    found = {
        "email": profile.email,
        "name": f"{profile.last_name} {profile.first_name}".strip(),
        "kana": f"{profile.last_kana} {profile.first_kana}".strip(),
        "phone": profile.phone,
        "birth_date": profile.birth_date,
        "gender": "" if profile.gender == "unknown" else profile.gender,
        "postal_code": address.postal_code if address else "",
        "address": _line(address) if address else "",
        "accepts_marketing": "yes" if profile.accepts_marketing else "no",
    }  # fmt: skip
    return {name: value for name, value in found.items() if value}


def _line(address: Address) -> str:
    state = prefecture(address.prefecture) if address.country == "JP" else None
    first = state.ja if state else address.prefecture
    return " ".join(filter(None, (first, address.city, address.address1, address.address2)))


def _folded(text: str | None) -> str:
    """Written otherwise is not something else."""
    folded = unicodedata.normalize("NFKC", text or "").casefold()
    return "".join(char for char in folded if char.isalnum() or char in "@.")
