"""What an attempt hands its channel: the customer, their link, and what the record was last sent.

A hash of a field is keyed and bound to channel and customer, so that nobody can see from the
database that two people have the same value.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import orjson

from flags import Mode
from gateway.channels import POS, LastSent, Work
from gateway.customer import Customer
from gateway.delivery.flag_policy import FlagPolicy
from gateway.delivery.route import Route
from gateway.delivery.runtime import Live
from gateway.delivery.turns import Turn, Turns
from gateway.outcomes import Delivery, Link, Outcome
from gateway.store import Engine, Keys, links, outbox
from gateway.wire import dry_run

__all__ = ["Preparation"]


class Preparation:
    """`sending`: by channel and customer id, with whom an attempt is under way."""

    def __init__(self, db: Engine, routes: Mapping[str, Route], keys: Keys, live: Live) -> None:
        self._db = db
        self._routes = routes
        self._keys = keys
        self._live = live
        self.flag_policy = FlagPolicy(live)
        self.sending: dict[tuple[str, int], Customer] = {}
        self._turns: Turns = {}

    async def link(self, channel: str, customer_id: int) -> Link | None:
        return await self._db.read(lambda db: links.get(db, channel, customer_id))

    async def member_number(
        self, customer_id: int, deliveries: Iterable[Delivery] = ()
    ) -> str | None:
        """The number that tills know this customer by, or will know once the open delivery has
        arrived; None if the customer may not know it.
        """
        link = await self.link(POS, customer_id)
        if link is not None and link.unproven:
            return link.shown_number
        known = link.member_number if link else None
        return known or self.number_beforehand(customer_id, deliveries)

    def number_beforehand(self, customer_id: int, deliveries: Iterable[Delivery]) -> str | None:
        """For a customer without a link: the number that the open delivery will give them."""
        return self._routes[POS].number_beforehand(customer_id, deliveries)

    def foresee_sign_up(self) -> None:
        """Begins, beside Shopify's call, what the sign-up of this context is sure to read. Under a
        percentage nothing is sure yet: that needs the id that Shopify gives.
        """
        flag, route = self._live.policy.flags[POS], self._routes[POS]
        if flag.mode is Mode.ON and flag.percent is None and route.circuit.cause is None:
            route.foresee_sign_up()

    async def _number(self, customer_id: int, *, fresh: bool) -> str:
        """The number that this customer has, or will have, if that is known beforehand; else ''."""
        if not fresh and (known := await self.member_number(customer_id)):
            return known
        mode = self._live.policy.flags[POS].mode
        will_be = mode is Mode.ON or mode is Mode.HOLD
        return str(customer_id) if will_be and self._routes[POS].numbers_by_rule() else ""

    # -- what was last sent

    def last_sent(
        self, channel: str, customer_id: int, fingerprints: Mapping[str, str] | None
    ) -> LastSent:
        scope = f"{channel} {customer_id}"
        older = self._keys.older
        before = [partial(keys.field_fingerprints, scope) for keys in older] if older else ()
        return LastSent(fingerprints, partial(self._keys.field_fingerprints, scope), before)

    def content_hash(self, channel: str, customer: Customer) -> str:
        """A keyed hash of the customer as they are now."""
        return self.content_hashes(channel, customer)[0]

    def content_hashes(self, channel: str, customer: Customer) -> list[str]:
        """The same with every secret, newest first."""
        whole, scope = orjson.dumps(customer.profile).decode(), f"{channel} {customer.id}"
        return [keys.field_fingerprints(scope, {"": whole})[""] for keys in self._keys.every]

    def emails(self, customer: Customer) -> tuple[bytes, ...]:
        """The hashes of their e-mail, newest first."""
        return self._keys.emails(customer.profile.email)

    def turn(self, channel: str, customer_id: int) -> Turn:
        """One at a time reads, writes or unlinks a channel's record of a customer."""
        return Turn(self._turns, channel, customer_id)

    def is_sending(self, channel: str, customer: Customer) -> bool:
        """Whether an attempt is running with the customer exactly as they are now."""
        return self.sending.get((channel, customer.id)) == customer

    # -- before an attempt

    async def is_kept_back(self, delivery: Delivery, customer: Customer | None) -> bool:
        """Whether its flags keep it back, now that the customer was read (None: gone)."""
        if delivery.urgent and not self._routes[delivery.channel].settings().missing():
            return False
        update = delivery.kind.changes
        link = await self.link(delivery.channel, delivery.customer_id) if update else None
        email = customer.profile.email if customer else None
        decided = self.flag_policy.decide(
            delivery.channel, delivery.customer_id, delivery.kind, email, linked=link is not None
        )
        return decided.mode is not Mode.ON

    async def prepare(
        self, delivery: Delivery, customer: Customer, *, fresh: bool
    ) -> tuple[Work, Mode]:
        """The work; and the mode: ON, or the one that keeps back all but an opt-out of mail."""
        link, mode = None, Mode.ON
        if not fresh:
            link = await self.link(delivery.channel, customer.id)
        if delivery.urgent and link is not None and delivery.outcome is not Outcome.DRY_RUN:
            email, kind = customer.profile.email, delivery.kind
            decided = self.flag_policy.decide(link.channel, customer.id, kind, email, linked=True)
            mode = decided.mode
        return self._work(delivery, customer, link, mode, fresh=fresh), mode

    def _work(
        self,
        delivery: Delivery,
        customer: Customer,
        link: Link | None,
        mode: Mode,
        *,
        fresh: bool,
    ) -> Work:
        """Until the link is written, what is known of a record is in the plan."""
        route = self._routes[delivery.channel]
        known = link.fingerprints if link else (delivery.plan or {}).get("fields")
        last_sent = self.last_sent(delivery.channel, customer.id, known)
        if delivery.urgent:
            last_sent = last_sent.insisting_on(route.channel.consent)
        fields = partial(route.channel.fields_of, customer)

        async def save_plan(plan: dict[str, Any]) -> None:
            whole = {**plan, "fields": last_sent.after(fields(), {})}
            await self._db.write(
                lambda db: outbox.save_plan(db, delivery.id, whole), (delivery.customer_id,)
            )

        async def announce(sending: Mapping[str, str]) -> None:
            if link is not None and not dry_run.get():
                fingerprints = last_sent.unsure(sending)
                await self._db.write(
                    lambda db: links.set_fingerprints(
                        db, link.channel, link.customer_id, fingerprints
                    ),
                    (link.customer_id,),
                )

        return Work(
            customer=customer,
            kind=delivery.kind,
            link=link,
            fresh=fresh,
            plan=delivery.plan,
            save_plan=save_plan,
            number=partial(self._number, customer.id, fresh=fresh),
            fields=fields,
            last_sent=last_sent,
            announce=announce,
            retried=delivery.attempts > 1 or delivery.version > 1,
            only=None if mode is Mode.ON else route.channel.consent,
        )
