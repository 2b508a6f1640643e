"""The columns of a member that a list is asked for, by their documented names.

Points are none of them: they are a resource of their own. What Smaregi answers to a list of columns
that it does not know is not documented: where it refuses ours, members are read whole.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from gateway.channels.smaregi.from_member import MEMBER_COLUMNS
from gateway.errors import UpstreamError

__all__ = ["INDEX", "TILL", "Columns"]

log = logging.getLogger(__name__)

INDEX: Final = (
    "customerId",
    "customerCode",
    "customerNo",
    "lastName",
    "firstName",
    "lastKana",
    "firstKana",
    "mailAddress",
    "birthDate",
    "mobileNumber",
    "phoneNumber",
    "postCode",
    "address",
    "lastComeDateTime",
    "status",
    "updDateTime",
)
"""What the index of members is made of."""
TILL: Final = ("customerId", "status", "updDateTime", *MEMBER_COLUMNS)
"""What a till may change of a member."""

_REFUSED = 400

Row = Mapping[str, Any]
Ask = Callable[[Mapping[str, str]], Awaitable[list[Row]]]


class Columns:
    """Pages of members with some of their columns; an answer may lack any of these."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._whole = False

    async def rows(self, params: Mapping[str, str], columns: Sequence[str]) -> list[Row]:
        """The rows with no other columns. Raises UpstreamError."""
        if not self._whole:
            try:
                return await self._ask({**params, "fields": ",".join(columns)})
            except UpstreamError as error:
                if error.status != _REFUSED:
                    raise
        rows = await self._ask(params)  # fails as well where something else is refused
        self._tell()
        return [{name: row[name] for name in columns if name in row} for row in rows]

    def _tell(self) -> None:
        if not self._whole:
            log.warning(
                "Smaregi refuses the list of columns (HTTP %d): members are read whole from now on",
                _REFUSED,
            )
        self._whole = True
