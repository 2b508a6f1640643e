"""Sends a linked member what differs from what it was last sent, and nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.channels.base import Done, Work
from gateway.channels.smaregi.client import SYSTEM, SmaregiClient
from gateway.channels.smaregi.from_member import record_values, text_of
from gateway.channels.smaregi.mapping import member_fields
from gateway.customer import Customer
from gateway.errors import ErrorClass, UpstreamError
from gateway.outcomes import Link

__all__ = ["bring_up_to_date", "customers_fields", "customers_own", "give", "is_active", "stays"]

_ACTIVE = frozenset({"0", "1", "2"})

Row = Mapping[str, Any]


def is_active(row: Row) -> bool:
    """Whether the member is neither withdrawn nor merged."""
    return (text_of(row, "status") or "0") in _ACTIVE


def customers_own(body: Mapping[str, str]) -> dict[str, str]:
    """The fields that the customer decides; number and status are the till's."""
    own = dict(body)
    own.pop("customerCode", None)
    own.pop("status", None)
    return own


def customers_fields(customer: Customer) -> tuple[dict[str, str], list[dict[str, str]]]:
    """The same, and what had to be changed to fit."""
    body, adjustments = member_fields(customer)
    return customers_own(body), adjustments


async def bring_up_to_date(client: SmaregiClient, link: Link, work: Work) -> Done:
    fields, adjustments = customers_fields(work.customer)
    # A member linked by an unproven e-mail accepts no change.
    changes, kept = {} if link.unproven else work.changes(fields), dict[str, str]()
    if changes:
        row = _active(await client.by_id(link.reference))
        adjustments += _overruled(row, changes, work)
        refused = await give(client, link.reference, changes, work)
        kept = stays(row, refused)
        adjustments += refused
    return Done(
        action=_action(link, work),
        reference=link.reference,
        member_number=link.member_number,
        adjustments=adjustments,
        fields=fields,
        sent=changes,
        kept=kept,
    )


def _overruled(row: Row, changes: Mapping[str, str], work: Work) -> list[dict[str, str]]:
    """Fields that the till changed too since both sides agreed: Shopify wins."""
    given = work.last_sent
    there = {name: text for name, text in record_values(row).items() if name in changes}
    new = given.changed_in_record(there) if given.knows_record else set()
    return [
        {"field": name, "change": "the till's change lost to Shopify's"}
        for name, text in there.items()
        if text != changes[name]
        and (given.overruled(name) or (name in new and not given.is_unsure(name)))
    ]


def stays(row: Row, refused: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """What a member keeps in the fields that `give` could not clear."""
    return {note["field"]: text_of(row, note["field"]) for note in refused}


def _action(link: Link, work: Work) -> str:
    if work.kind.changes:
        return "updated"
    linked = work.plan is not None and str(work.plan.get("member")) == link.reference
    return "linked" if linked else "created"


def _active(row: Row | None) -> Row:
    """A conflict if the till no longer knows the linked member."""
    if row is not None and is_active(row):
        return row
    reason = "gone from Smaregi" if row is None else "withdrawn or merged"
    text = f"the linked member is {reason}"
    raise UpstreamError(SYSTEM, "update member", ErrorClass.CONFLICT, text, applied=False)


async def give(
    client: SmaregiClient, member_id: str, changes: Mapping[str, str], work: Work
) -> Sequence[dict[str, str]]:
    """Writes `changes` ('' clears). Returns the adjustments that were necessary.

    Smaregi does not document how to empty a member's field ("do not send an empty text"). So null
    is tried first, then the empty text; if both are refused, the other fields are sent alone.
    """
    if not changes:
        return ()
    await work.announce(changes)
    cleared = [name for name, value in changes.items() if not value]
    for blank in (None, ""):
        try:
            await client.patch(member_id, {name: value or blank for name, value in changes.items()})
        except UpstreamError as error:
            if error.error_class is not ErrorClass.INVALID_DATA or not cleared:
                raise
        else:
            return ()
    rest = {name: value for name, value in changes.items() if value}
    if rest:
        await client.patch(member_id, rest)
    return [{"field": name, "change": "not emptied: Smaregi refuses that"} for name in cleared]
