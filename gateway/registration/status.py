"""Where a registration stands: for whoever asks, or sends the same request again."""

import sqlite3

from gateway.delivery.preparation import Preparation
from gateway.outcomes import Delivery
from gateway.responses.answer import Answer, in_both_languages, problem_of
from gateway.responses.bodies import accepted, registration_body, rejected, waiting
from gateway.store import Engine, outbox, registrations
from gateway.store.registrations import Registration

__all__ = ["RegistrationStatus"]


class RegistrationStatus:
    def __init__(self, db: Engine, works: Preparation) -> None:
        self._db = db
        self._works = works

    async def shown(self, registration_id: str) -> Answer | None:
        """200 with its body as things stand now; None if there is nothing to show."""
        row, deliveries = await self._read(registration_id, tell=False)
        if row is None:
            return None
        if row.customer_id is not None:
            body = await self._body(row, row.customer_id, deliveries)
            return in_both_languages(200, body).about(row.id, deliveries)
        if row.problem is not None:
            return rejected(row.id, row.problem)
        return waiting(row.id) if row.state == "waiting" else None

    async def answer_of(self, registration_id: str) -> Answer | None:
        """The answer to the same request again: 201, 202 or the problem.

        None if the answer is not known yet, or may be true no more. A caller who is told of a
        success may rely on it: nobody else's data replace theirs from now on.
        """
        row, deliveries = await self._read(registration_id, tell=True)
        if row is None:
            return None
        if row.customer_id is not None:
            body = await self._body(row, row.customer_id, deliveries)
            return in_both_languages(201, body).about(row.id, deliveries)
        if row.problem is not None:
            return problem_of(row.id, row.problem)
        return accepted(row.id) if row.state == "waiting" else None

    async def _read(
        self, registration_id: str, *, tell: bool
    ) -> tuple[Registration | None, list[Delivery]]:
        def unit(db: sqlite3.Connection) -> tuple[Registration | None, list[Delivery]]:
            row = registrations.current(db, registration_id)
            if row is None or row.customer_id is None:
                return row, []
            if tell and not registrations.mark_answered(db, row.id):
                return None, []
            return row, outbox.of_registration(db, row.id)

        return await (self._db.write(unit) if tell else self._db.read(unit))

    async def _body(self, row: Registration, customer_id: int, deliveries: list[Delivery]) -> bytes:
        number = await self._works.member_number(customer_id, deliveries)
        action = row.shopify_action or "created"
        return registration_body(row.id, customer_id, action, row.warnings, deliveries, number)
