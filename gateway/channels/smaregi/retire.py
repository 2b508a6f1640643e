"""How a member ends without being deleted: withdrawn, or merged into another."""

from gateway.channels.smaregi.client import SmaregiClient
from gateway.channels.smaregi.member_number import LONGEST_NOTE, text_of, with_line
from gateway.errors import ErrorClass, UpstreamError

__all__ = ["MERGED", "WITHDRAWN", "absorb", "withdraw"]

WITHDRAWN, MERGED = "3", "4"
_WENT_TO = "統合先: "


async def withdraw(client: SmaregiClient, member_id: str) -> None:
    row = await client.by_id(member_id)
    if row is not None and text_of(row, "status") not in {WITHDRAWN, MERGED}:
        await client.patch(member_id, {"status": WITHDRAWN})


async def absorb(client: SmaregiClient, member_id: str, survivor_id: str) -> bool:
    """Status 4 and `統合先: ` with the survivor's id and number; false if the note is full."""
    row, survivor = await client.by_id(member_id), await client.by_id(survivor_id)
    if row is None or survivor is None:
        gone = "the member is gone"
        raise UpstreamError("smaregi", "read member", ErrorClass.UNEXPECTED, gone, applied=False)
    line = f"{_WENT_TO}{survivor_id} ({text_of(survivor, 'customerCode')})"
    note = text_of(row, "note")
    if not any(each.startswith(f"{_WENT_TO}{survivor_id} ") for each in note.splitlines()):
        note = with_line(note, line) or note
    room = len(note) <= LONGEST_NOTE
    wanted = {"status": MERGED} | ({"note": note} if room else {})
    changes = {name: value for name, value in wanted.items() if text_of(row, name) != value}
    if changes:
        await client.patch(member_id, changes)
    return room
