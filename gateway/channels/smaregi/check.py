"""Whether Smaregi can be used as it is set, for `check`: nothing is written."""

from collections.abc import Sequence

from gateway.channels.base import Check
from gateway.channels.smaregi.client import SmaregiClient
from gateway.channels.smaregi.required_columns import RequiredColumns, cannot_fill, unfillable

__all__ = ["check"]


async def check(client: SmaregiClient, required: RequiredColumns, linking: str) -> Sequence[Check]:
    """`linking`: the settings that decide about links, in words. Raises UpstreamError."""
    lacking = await client.lacking_scopes()
    if lacking:
        detail = f"the token lacks {', '.join(lacking)}: give the app this scope in Smaregi"
        return [Check("Smaregi", ok=False, detail=detail)]
    columns = await required.ask()
    await client.member_page(1, None)
    detail = "token, members and required columns can be read"
    if columns:
        detail += f"; this contract also requires {', '.join(sorted(columns))}"
    lacking = cannot_fill(columns)
    if lacking:
        detail += f"; {unfillable(lacking)}"
    rule = Check("Smaregi", ok=True, detail=linking)
    return [Check("Smaregi", ok=not lacking, detail=detail), rule]
