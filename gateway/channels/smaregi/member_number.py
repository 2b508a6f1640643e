"""Member numbers: given to a store member who is a customer, and given back when they part.

The plan (the member, its old number, and the field that keeps it) is written down before the write.
What is given back depends on what the member holds now, so it may be repeated at any time.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Self

from gateway import frozen
from gateway.channels.base import Done, Work
from gateway.channels.smaregi.client import SYSTEM, SmaregiClient
from gateway.channels.smaregi.from_member import differing_values, text_of
from gateway.channels.smaregi.settings import SmaregiSettings
from gateway.errors import ErrorClass, UpstreamError
from gateway.outcomes import Link
from gateway.store.members import Member

__all__ = ["LONGEST_NOTE", "MemberNumbers", "Target", "merged_away", "text_of", "with_line"]

LONGEST_NOTE = 1000
_OLD_NUMBER = "旧会員番号: "
_OWN_NUMBER = "S"
"""Before the member id, for a member without an old number: no Shopify id has a letter."""

Row = Mapping[str, Any]
Changes = dict[str, str | None]


@frozen
class Target:
    """The member that is to get the customer's number. `by_hand`: a person chose it.

    `unproven`: the hash of the e-mail by which it was chosen, if that e-mail is not proven.
    """

    member_id: int
    code: str
    number: str
    by_hand: bool = False
    unproven: bytes | None = None

    @classmethod
    def of(cls, member: Member, unproven: bytes | None) -> Self:
        return cls(member.member_id, member.code, member.number, unproven=unproven)

    @classmethod
    def chosen(cls, row: Row) -> Self:
        code, number = text_of(row, "customerCode"), text_of(row, "customerNo")
        return cls(int(row["customerId"]), code, number, by_hand=True)


class MemberNumbers:
    """`number_taken(number)`: whether a member is known to have this `customerNo`."""

    def __init__(
        self,
        client: SmaregiClient,
        settings: Callable[[], SmaregiSettings],
        number_taken: Callable[[str], Awaitable[bool]],
    ) -> None:
        self._client = client
        self._settings = settings
        self._number_taken = number_taken

    def has_room(self, row: Row) -> bool:
        """Whether the member can be linked at all, by the settings of now."""
        in_second = self._settings().smaregi_link_field == "customerNo"
        return not (in_second and text_of(row, "customerNo"))

    def shown(self, row: Row, work: Work) -> str:
        """In `customerNo` mode the till can still read the old card's number."""
        if self._settings().smaregi_link_field == "customerNo":
            return str(row.get("customerCode") or work.customer.member_number)
        return work.customer.member_number

    async def give(self, target: Target, work: Work) -> Done:
        """Link: the member gets the customer's number; its old one is kept where staff find it."""
        number = work.customer.member_number
        if self._settings().smaregi_link_field == "customerNo":
            if target.number:
                raise UpstreamError(
                    SYSTEM,
                    "match",
                    ErrorClass.CONFLICT,
                    "the member's customerNo is occupied",
                    applied=False,
                )
            await self._plan(target, "customerCode", work)
            row = await self._client.patch(str(target.member_id), {"customerNo": number})
            return _linked(row, target, target.code or number, "customerCode", work)
        free = not target.number and not await self._number_taken(target.code)
        if target.code and not free:
            return await self._give_with_note(target, work)
        fields = {"customerCode": number}
        if target.code:
            fields["customerNo"] = target.code
        place = "customerNo" if target.code else None
        await self._plan(target, place, work)
        try:
            row = await self._client.patch(str(target.member_id), fields)
        except UpstreamError as error:
            there = await self._carried_out(error, str(target.member_id), fields)
            if there is None and not target.code:
                raise
            if there is None:
                return await self._give_with_note(target, work)
            row = there
        return _linked(row, target, number, place, work)

    async def _carried_out(
        self, error: UpstreamError, member_id: str, fields: Mapping[str, str | None]
    ) -> Row | None:
        """After a refusal of the data: the member, if it has them nevertheless. Other errors are
        raised again.
        """
        if error.error_class is not ErrorClass.INVALID_DATA:
            raise error
        row = await self._client.by_id(member_id) or {}
        has = all(text_of(row, name) == (value or "") for name, value in fields.items())
        return row if has else None

    async def _give_with_note(self, target: Target, work: Work) -> Done:
        """If customerNo is occupied, the old number goes into the note, once."""
        await self._plan(target, "note", work)
        row = await self._client.by_id(str(target.member_id))
        if row is None:
            raise UpstreamError(
                SYSTEM, "read member", ErrorClass.UNEXPECTED, "the member is gone", applied=False
            )
        fields = {"customerCode": work.customer.member_number}
        note = with_line(text_of(row, "note"), _OLD_NUMBER + target.code)
        if note is not None:
            if len(note) > LONGEST_NOTE:
                raise UpstreamError(
                    SYSTEM,
                    "link member",
                    ErrorClass.CONFLICT,
                    "no room for the old number: customerNo and note of the member are full",
                    applied=False,
                )
            fields["note"] = note
        row = await self._client.patch(str(target.member_id), fields)
        return _linked(row, target, work.customer.member_number, "note", work)

    async def _plan(self, target: Target, place: str | None, work: Work) -> None:
        plan: dict[str, Any] = {
            "member": target.member_id,
            "old_number_in": place,
            "old_number": target.code,
        }
        if target.by_hand:
            plan["by_hand"] = True
        if target.unproven is not None:
            plan["unproven"] = target.unproven.hex()
        await work.save_plan(plan)

    async def follow(self, link: Link, work: Work) -> Link:
        """After a merge in Shopify the member gets the number of the customer who survived.

        The link is as it is now.
        """
        was = merged_away(work)
        row = await self._client.by_id(link.reference) if was else None
        if row is None:
            return link
        number = work.customer.member_number
        numbers = {name: text_of(row, name) for name in ("customerCode", "customerNo")}
        changes = {name: number for name, value in numbers.items() if value in was}
        if changes:
            await self._client.patch(link.reference, changes)
        return replace(link, member_number=(numbers | changes)["customerCode"])

    async def give_back(self, link: Link) -> str | None:
        """Unlink: the member gets its old number back. Returns its number, None if it is gone.

        A member that we created never had one: it gets `S` and its id. So does one whose old
        number belongs to somebody else by now; the old number stays where it was kept.
        """
        row = await self._client.by_id(link.reference)
        if row is None:
            return None
        changes = await self._undone(row, link)
        if changes:
            row = await self._change(link.reference, changes)
        ours = str(link.customer_id)
        if ours in {text_of(row, "customerCode"), text_of(row, "customerNo")}:
            raise UpstreamError(
                SYSTEM, "update member", ErrorClass.UNEXPECTED, "the number was not given back"
            )
        return text_of(row, "customerCode")

    async def _undone(self, row: Row, link: Link) -> Changes:
        code, number, note = (text_of(row, n) for n in ("customerCode", "customerNo", "note"))
        ours, changes = str(link.customer_id), Changes()
        if number == ours:
            changes["customerNo"] = None
        if code != ours:
            return changes
        old = await self._old_number(note, link)
        changes["customerCode"] = old or await self._own_number(link.reference)
        if old and number == old:
            changes["customerNo"] = None
        lines = note.splitlines()
        if old and _OLD_NUMBER + old in lines:
            lines.remove(_OLD_NUMBER + old)
            changes["note"] = "\n".join(lines) or None
        return changes

    async def _old_number(self, note: str, link: Link) -> str | None:
        """The old number, from the link, or from the note if the link was lost; None if it belongs
        to somebody else, or is the customer's own.
        """
        noted = [line.removeprefix(_OLD_NUMBER) for line in note.splitlines()
                 if line.startswith(_OLD_NUMBER)]  # fmt: skip
        old = link.old_number or next(iter(noted), None)
        if not old or old == str(link.customer_id):
            return None
        return old if await self._is_free(old, link.reference) else None

    async def _own_number(self, member_id: str) -> str:
        """Free, and never taken for a Shopify id."""
        number, again = _OWN_NUMBER + member_id, 1
        while not await self._is_free(number, member_id):
            again += 1
            number = f"{_OWN_NUMBER}{member_id}-{again}"
        return number

    async def _is_free(self, code: str, member_id: str) -> bool:
        rows = await self._client.by_number("customer_code", code)
        return all(str(row["customerId"]) == member_id for row in rows)

    async def _change(self, member_id: str, changes: Changes) -> Row:
        """`null` clears a field. If the contract requires the column, the value stays where it can,
        and a customer's number is replaced by the member's own.
        """
        try:
            return await self._client.patch(member_id, changes)
        except UpstreamError as error:
            if (row := await self._carried_out(error, member_id, changes)) is not None:
                return row
            if None not in changes.values():
                raise
        kept = {name: value for name, value in changes.items() if value is not None}
        if "customerCode" not in changes:
            kept["customerNo"] = await self._own_number(member_id)
        return await self._client.patch(member_id, kept)


def merged_away(work: Work) -> set[str]:
    """Numbers of the customers who were merged into this one, by the plan's `was`."""
    return {str(gone) for gone in (work.plan or {}).get("was", ())}


def with_line(note: str, line: str) -> str | None:
    """The note with the line at its end; None if it has the line already."""
    return None if line in note.splitlines() else f"{note}\n{line}".strip()


def _linked(row: Row, target: Target, number: str, place: str | None, work: Work) -> Done:
    """None of the customer's own fields was written: what differs stays."""
    fields = work.fields()
    return Done(
        "linked",
        str(target.member_id),
        number,
        old_number=target.code or None,
        old_place=place,
        fields=fields,
        in_record=differing_values(row, fields),
        unproven=target.unproven,
    )
