"""One backfill that is killed and begun again, and the verdict, by what the stand-ins hold."""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sized
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL
from typing import Any

from gateway.sandbox import (
    Customer,
    HubspotOptions,
    MailOptions,
    Sandbox,
    SandboxOptions,
    ShopifyOptions,
    SmaregiOptions,
)
from tests.cli.process import Process, Shell

__all__ = ["Plan", "Verdict", "trial"]

_UNLIMITED = SandboxOptions(
    shopify=ShopifyOptions(bucket=1e7, restore=1e6),
    smaregi=SmaregiOptions(reads_per_second=None, writes_per_second=None),
    hubspot=HubspotOptions(per_ten_seconds=1_000_000),
    mail=MailOptions(keep=1_000_000),
)
_FAST = {"SMAREGI_READS_PER_SECOND": "1000", "SMAREGI_WRITES_PER_SECOND": "1000"}


@dataclass(frozen=True, slots=True)
class Plan:
    """`patience`: seconds that the whole may take."""

    channel: str
    customers: int
    kills: int
    patience: float


@dataclass(slots=True)
class Verdict:
    """`counts` for the table; `wrong` has a line for each thing that should not be."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


async def trial(plan: Plan, folder: Path, tell: Callable[[str], None]) -> Verdict:
    """Everybody is in Shopify beforehand; the command runs until it ends by itself."""
    home = folder / "gateway"
    home.mkdir()
    verdict = Verdict()
    async with asyncio.timeout(plan.patience), Sandbox(_UNLIMITED) as sandbox:
        _settle_in(sandbox, plan.customers)
        began = time.monotonic()
        shell = Shell.beside(sandbox, home, **_FAST)
        arrived = _ARRIVED[plan.channel]
        for number in range(1, plan.kills + 1):
            share = plan.customers * number // (plan.kills + 1)
            await _killed_at(shell, plan, sandbox, share, verdict)
            tell(f"killed with {len(arrived(sandbox))} of {plan.customers} at {plan.channel}")
        await _to_the_end(shell, plan, verdict, tell)
        verdict.counts["seconds"] = round(time.monotonic() - began)
        _judge(sandbox, plan, verdict)
        _look_at_home(home, plan, verdict)
    return verdict


def _settle_in(sandbox: Sandbox, count: int) -> None:
    """Some without an e-mail, some without a name, a few without either."""
    for number in range(1, count + 1):
        email = None if number % 40 == 0 else f"person{number}@backfill.example"
        names: dict[str, Any] = (
            {} if number % 97 == 0 else {"lastName": "百目鬼", "firstName": f"十四男{number}"}
        )
        sandbox.shopify.add_customer(email=email, **names)


async def _killed_at(
    shell: Shell, plan: Plan, sandbox: Sandbox, share: int, verdict: Verdict
) -> None:
    arrived = _ARRIVED[plan.channel]
    async with shell.running(*_command(plan)) as process:
        while len(arrived(sandbox)) < share:
            code = process.code
            assert code is None, f"ended by itself ({code}): {process.out} {process.log}"
            _weigh(process, verdict)
            await asyncio.sleep(0.01)
        process.send(SIGKILL)
        assert await process.ended() == -SIGKILL
        verdict.counts["kills"] += 1


async def _to_the_end(
    shell: Shell, plan: Plan, verdict: Verdict, tell: Callable[[str], None]
) -> None:
    async with shell.running(*_command(plan)) as process:
        while process.code is None:
            _weigh(process, verdict)
            await asyncio.sleep(0.05)
        tell(process.out)
        if process.code != 0 or process.log:
            verdict.wrong.append(f"exit code {process.code}: {process.log}")


def _command(plan: Plan) -> tuple[str, ...]:
    mail = ("--yes-send-mail",) if plan.channel == "email" else ()
    return ("backfill", "--channel", plan.channel, *mail)


def _weigh(process: Process, verdict: Verdict) -> None:
    """The largest resident set so far, in MB; 0 where the system does not say."""
    verdict.counts["MB at most"] = max(verdict.counts["MB at most"], process.peak_megabytes())


def _numbers(sandbox: Sandbox) -> Counter[str]:
    return Counter(
        contact.properties.get("shopify_customer_id", "")
        for contact in sandbox.hubspot.contacts.values()
    )


def _codes(sandbox: Sandbox) -> Counter[str]:
    return Counter(str(row["customerCode"]) for row in sandbox.smaregi.members.values())


def _recipients(sandbox: Sandbox) -> Counter[str]:
    return Counter(mail.recipients[0] for mail in sandbox.mail.messages)


_HELD = {"crm": _numbers, "smaregi": _codes, "email": _recipients}
"""How often a channel has each customer: by number, or by address."""
_ARRIVED: dict[str, Callable[[Sandbox], Sized]] = {
    "crm": lambda sandbox: sandbox.hubspot.contacts,
    "smaregi": lambda sandbox: sandbox.smaregi.members,
    "email": lambda sandbox: sandbox.mail.messages,
}


def _wanted(customer: Customer, channel: str) -> str | None:
    """What the channel should have of the customer; None for one whom it cannot take."""
    match channel:
        case "email":
            return customer.email
        case "crm" if not (customer.email or customer.last_name):
            return None
    return str(customer.id)


def _judge(sandbox: Sandbox, plan: Plan, verdict: Verdict) -> None:
    held = _HELD[plan.channel](sandbox)
    wanted = {
        who
        for customer in sandbox.shopify.customers.values()
        if (who := _wanted(customer, plan.channel)) is not None
    }
    missing, twice = wanted - held.keys(), [who for who, number in held.items() if number > 1]
    strangers = held.keys() - wanted
    verdict.counts |= Counter(
        {"customers": len(sandbox.shopify.customers), "wanted": len(wanted), "held": len(held)}
    )
    verdict.counts["missing"], verdict.counts["twice"] = len(missing), len(twice)
    verdict.wrong += [f"missing: {who}" for who in sorted(missing)[:20]]
    verdict.wrong += [f"strange: {who}" for who in sorted(strangers)[:20]]
    if plan.channel == "email":  # at least once, each time with the same id
        ids = {mail.message_id for mail in sandbox.mail.messages}
        if len(ids) != len(wanted):
            verdict.wrong.append(f"{len(ids)} message ids for {len(wanted)} people")
    else:
        verdict.wrong += [f"twice: {who}" for who in sorted(twice)[:20]]
    writes = Counter(entry.target for entry in sandbox.journal.applied(plan.channel))
    again = sum(number - 1 for target, number in writes.items() if target)
    verdict.counts["written again after a kill"] = again


def _look_at_home(home: Path, plan: Plan, verdict: Verdict) -> None:
    """Nothing is left open, and nobody's data is in the files."""
    with closing(sqlite3.connect(f"file:{home / 'gateway.db'}?mode=ro", uri=True)) as db:
        rows = db.execute(
            """SELECT outcome, count(*) FROM deliveries
               WHERE outcome <> 'delivered' GROUP BY outcome"""
        ).fetchall()
    verdict.wrong += [f"{number} deliveries are {outcome}" for outcome, number in rows]
    for path in home.glob("gateway.db*"):
        if path.is_file() and b"@backfill.example" in path.read_bytes():
            verdict.wrong.append(f"an e-mail address is in {path.name}")
