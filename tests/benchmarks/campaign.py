"""A campaign's peak against Shopify's standard plan: who is served, when, and in which order.

    python -m tests.benchmarks.campaign [people] [seconds]

By default 1000 people sign up within 5 seconds: first they wait for the answer, then the storefront
asks with `respond-async`. Shopify's plan allows a bucket of 2000 cost points and 100 a second, a
sign-up costs 18. Whoever is told to come back does so to the second.

The bars: nobody is told of a limit in any other way; whoever comes back is served then; the order
is that of arrival, but for a second; 95 % of the points are used by the time of the last. Gateway
and load are processes of their own, everything on loopback. It takes as long as Shopify's plan
makes it take, about six minutes. `tests/simulation/test_campaign.py` is the same on a virtual
clock.
"""

import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import uvloop

from gateway.sandbox import Sandbox, SandboxOptions, ShopifyOptions
from tests.benchmarks.children import cpu_seconds, free_port, quiet, serving
from tests.benchmarks.people import sign_ups

BUCKET, RESTORE = 2000.0, 100.0
PORT = free_port()
LATER = {"Prefer": "respond-async"}


class Answered(NamedTuple):
    status: int
    headers: Mapping[str, str]


Ask = Callable[[int, Mapping[str, str]], Awaitable[Answered]]
"""Signs up the person of that number, with these headers."""


@dataclass(slots=True)
class Person:
    """`came`: seconds after the first. `answers`: statuses, in order."""

    number: int
    came: float
    answers: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Campaign:
    """`served`: the numbers of those whom Shopify has, in its order; `seconds`: when it had the
    last; `spent`: the cost points that were used by then.
    """

    people: list[Person]
    served: list[int]
    seconds: float
    spent: float

    @property
    def used(self) -> float:
        """Share of what Shopify allowed."""
        return self.spent / (BUCKET + RESTORE * self.seconds)

    @property
    def tries(self) -> int:
        """Of whoever needed the most."""
        return max(len(person.answers) for person in self.people)

    @property
    def overtaken(self) -> float:
        """Seconds by which somebody who came later than another, and was served before, came later,
        at most.
        """
        came = {person.number: person.came for person in self.people}
        latest = worst = 0.0
        for number in self.served:
            latest = max(latest, came[number])
            worst = max(worst, latest - came[number])
        return worst

    @property
    def unserved(self) -> int:
        return sum(person.answers[-1] not in {201, 202} for person in self.people)

    def __str__(self) -> str:
        answers = Counter(status for person in self.people for status in person.answers)
        return (
            f"{len(self.people)} people: answers {dict(sorted(answers.items()))}, at most"
            f" {self.tries} each; {self.unserved} not served; Shopify has"
            f" {len(set(self.served))}, the last after {self.seconds:.1f} s, with"
            f" {self.used:.1%} of its points; overtaken by {self.overtaken:.2f} s at most"
        )

    def holds(self) -> bool:
        everybody = not self.unserved and len(set(self.served)) == len(self.people)
        answers = {status for person in self.people for status in person.answers}
        in_time = self.tries <= 2 and answers <= {201, 202, 503}
        return everybody and in_time and self.used >= 0.95 and self.overtaken <= 1.0


async def come(
    ask: Ask, now: Callable[[], float], *, people: int, within: float, headers: Mapping[str, str]
) -> list[Person]:
    """At an even pace; whoever is told to come back does so, 20 times at most."""
    began = now()

    async def one(number: int) -> Person:
        await asyncio.sleep(max(0.0, within * number / people - (now() - began)))
        person = Person(number, now() - began)
        for _ in range(20):
            answer = await ask(number, headers)
            person.answers.append(answer.status)
            again = answer.headers.get("Retry-After")
            if answer.status in {201, 202} or again is None:
                break
            await asyncio.sleep(int(again))
        return person

    return await asyncio.gather(*(one(number) for number in range(people)))


async def measure(people: int, within: float, headers: Mapping[str, str]) -> Campaign:
    options = SandboxOptions(shopify=ShopifyOptions(bucket=BUCKET, restore=RESTORE))
    bodies = list(sign_ups(1, people))
    with tempfile.TemporaryDirectory() as text:
        async with Sandbox(options) as sandbox, served(sandbox, Path(text)) as pid:
            campaign = await _campaign(sandbox, bodies, within, headers)
            cpu = cpu_seconds(pid) / people * 1000
            print(f"{campaign}; {cpu:.1f} ms of the processor each", flush=True)
    return campaign


@asynccontextmanager
async def served(sandbox: Sandbox, folder: Path) -> AsyncIterator[int]:
    """The process of a gateway that has come to rest."""
    settings = sandbox.environment() | {
        "FLAG_SMAREGI": "on",
        "FLAG_CRM": "on",
        "FLAG_EMAIL": "on",
        "GATEWAY_RATE_LIMIT": "100000",
    }
    async with serving(settings, folder, PORT) as one:
        await quiet(one.pid)
        yield one.pid


async def _campaign(
    sandbox: Sandbox, bodies: list[dict[str, Any]], within: float, headers: Mapping[str, str]
) -> Campaign:
    shop, now = sandbox.shopify, asyncio.get_running_loop().time
    numbers = {body["email"]: number for number, body in enumerate(bodies)}
    url = f"http://127.0.0.1:{PORT}/v1/registrations"
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def ask(number: int, more: Mapping[str, str]) -> Answered:
            async with session.post(url, json=bodies[number], headers=more) as answer:
                await answer.read()
                return Answered(answer.status, answer.headers)

        spent, began = shop.bucket.spent, now()
        people = await come(ask, now, people=len(bodies), within=within, headers=headers)
        while len(shop.customers) < len(bodies) and now() - began < 20 * len(bodies) / RESTORE:
            await asyncio.sleep(0.05)
        served = [numbers[customer.email] for customer in shop.customers.values()]
        return Campaign(people, served, now() - began, shop.bucket.spent - spent)


async def main(people: int, within: float) -> int:
    waiting = await measure(people, within, {})
    later = await measure(people, within, LATER)
    return 0 if waiting.holds() and later.holds() else 1


if __name__ == "__main__":
    given = [float(text) for text in sys.argv[1:]] + [1000, 5][len(sys.argv) - 1 :]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(main(int(given[0]), given[1])))
