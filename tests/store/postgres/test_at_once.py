"""What the units of a registration do to one another when they run at the same time."""

import asyncio
import random
from functools import partial
from typing import Any

import pytest

from gateway.outcomes import Delivery, Kind, Outcome
from gateway.store import acceptance, admission, idempotency, outbox
from gateway.store.admission import Bounds
from gateway.store.engine import Batched
from gateway.store.outbox import AttemptResult
from gateway.store.postgres import Postgres
from tests.store.accepting import accepted
from tests.store.postgres.sign_ups import CHANNELS, asked, hashed, opened

PEOPLE = 3


class Sending:
    """Sign-ups and deliveries of few people, in whatever order the seed says."""

    def __init__(self, engine: Postgres, seed: int) -> None:
        self.engine = engine
        self.random = random.Random(seed)
        self.ids = iter(range(10_000))
        self.tried: set[int] = set()

    async def sign_up(self) -> None:
        person, name = self.random.randrange(PEOPLE), f"r{next(self.ids)}"
        request = asked(name, f"{person}", body=self.random.choice("ab"), key=hashed(name))
        begin = Batched(admission.begin_all, (request, 1000.0, Bounds()))
        begun = await self.engine.write(begin, request.keys)
        if begun.verdict == "new":
            found = accepted(name, person, 1001.0, opened(claimed=True))
            accept = Batched(acceptance.accept, found)
            await self.engine.write(accept, (*request.emails, person))
        await self.engine.write(lambda db: idempotency.free_key(db, hashed(name)), (hashed(name),))

    async def change(self) -> None:
        person, channel = self.random.randrange(PEOPLE), self.random.choice(CHANNELS)
        new = opened(channel, kind=Kind.UPDATE)
        await self.engine.write(lambda db: outbox.add(db, person, None, new, 1002.0), (person,))

    async def attempt(self) -> None:
        person = self.random.randrange(PEOPLE)
        for (_, channel), delivery in (
            await self.engine.read(lambda db: outbox.open_of(db, [person]))
        ).items():
            if delivery.id in self.tried:
                continue  # as the deliverer has it: one attempt at a time
            self.tried.add(delivery.id)
            claim = partial(_claim, delivery=delivery)
            if await self.engine.write(claim, (person,)) is not None:
                reference = f"{channel}{self.random.choice((person, 'shared'))}"
                await self.engine.write(partial(_settle, delivery.id, reference), (person,))
            self.tried.discard(delivery.id)

    async def a_while(self) -> None:
        kinds = (self.sign_up, self.change, self.attempt)
        for _ in range(6):
            await self.random.choice(kinds)()


def _claim(db: Any, delivery: Delivery) -> Delivery | None:
    return outbox.claim(db, delivery.id, 1003.0, delivery.version)


def _settle(delivery_id: int, reference: str, db: Any) -> None:
    end = AttemptResult(delivery_id, Outcome.DELIVERED, started_at=1.0, reference=reference)
    outbox.settle(db, [end], 1004.0)


@pytest.mark.parametrize("seed", range(2))
async def test_units_of_few_people_at_the_same_time_end_as_one_after_the_other(
    postgres: Postgres, seed: int
) -> None:
    sending = Sending(postgres, seed)
    await asyncio.gather(*(sending.a_while() for _ in range(8)))
    await postgres.read(_is_sound)


def _is_sound(db: Any) -> None:
    one = "SELECT count(*) FROM {} GROUP BY {} HAVING count(*) > 1"
    live = "registrations WHERE state IN ('open', 'waiting')"
    assert db.execute(one.format(live, "email_hash")).fetchall() == []
    intents = "SELECT registration_id FROM intents"
    lost = f"SELECT 1 FROM registrations WHERE state = 'open' AND id NOT IN ({intents})"
    assert db.execute(lost).fetchall() == []
    loose = "SELECT 1 FROM intents WHERE registration_id NOT IN (SELECT id FROM registrations)"
    assert db.execute(loose).fetchall() == []
    delivered = "SELECT count(*) FROM deliveries WHERE outcome = 'delivered'"
    assert db.execute(delivered).fetchone()[0] > 0
    assert db.execute("SELECT count(*) FROM tally WHERE number < 0").fetchone()[0] == 0
