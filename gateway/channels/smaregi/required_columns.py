"""What a contract requires beyond Smaregi's own columns, and what fills a value that is missing.

Each contract chooses its required columns; a create that lacks one is refused with 400. If the
customer did not give a value, a placeholder is filled in and noted; it is never evidence of who
somebody is. If only a person can fill a column, the delivery is `invalid_data` and says so.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta, timezone
from typing import Final

from gateway.channels.smaregi.mapping import Adjustments, Fields
from gateway.errors import UpstreamError
from gateway.normalize import Placeholder

__all__ = ["RequiredColumns", "cannot_fill", "filled", "unfillable"]

log = logging.getLogger(__name__)

_EVERY: Final = 3600.0
_AFTER_A_FAILURE: Final = 300.0
_TOKYO: Final = timezone(timedelta(hours=9))
_ALWAYS: Final = ("lastName", "firstName")

_PLACEHOLDERS: Final = {
    **dict.fromkeys(
        ("lastName", "firstName", "address", "companyName", "departmentName", "rank"),
        Placeholder.TEXT,
    ),
    **dict.fromkeys(("note", "note2"), Placeholder.TEXT),
    **dict.fromkeys(("lastKana", "firstKana"), Placeholder.KANA),
    **dict.fromkeys(("phoneNumber", "mobileNumber", "faxNumber"), Placeholder.PHONE),
    **dict.fromkeys(("mailAddress", "mailAddress2", "mailAddress3"), Placeholder.EMAIL),
    "postCode": Placeholder.POSTAL_CODE,
    "birthDate": Placeholder.BIRTH_DATE,
}
"""Not filled: `staffRank`, which gives staff prices, `leaveDate`, and a contract's own columns."""

_TRUE: Final = {"customerCode", "customerNo", "entryDate", "mailReceiveFlag", "sex", "status"}
"""Always sent, or filled with a fact: the member number, and the day of the sign-up."""

_OUR_FIELDS: Final = {
    "lastName": "last_name",
    "firstName": "first_name",
    "lastKana": "last_kana",
    "firstKana": "first_kana",
    "address": "address",
    "postCode": "address.postal_code",
    "phoneNumber": "phone",
    "mobileNumber": "phone",
    "mailAddress": "email",
    "birthDate": "birth_date",
}


def cannot_fill(columns: Iterable[str]) -> list[str]:
    """Those that no sensible value can fill."""
    return sorted(set(columns) - _PLACEHOLDERS.keys() - _TRUE)


def unfillable(columns: Iterable[str]) -> str:
    return (
        f"this contract requires {', '.join(columns)}, which the gateway cannot fill: make it "
        "optional in Smaregi's settings"
    )


def filled(fields: Fields, columns: Iterable[str], now: float) -> tuple[Fields, Adjustments]:
    """The body of a create: `fields`, and what `columns` require besides. `now`: Unix seconds."""
    body, notes = dict(fields), []
    for column in (*_ALWAYS, *sorted(set(columns) - set(_ALWAYS))):
        found = None if body.get(column) else _filling(column, fields, now)
        if found is not None:
            body[column], change = found
            notes.append({"field": _OUR_FIELDS.get(column, column), "change": change})
    return body, notes


def _filling(column: str, fields: Fields, now: float) -> tuple[str, str] | None:
    """The value, and what is noted about it; a fact is preferred to a placeholder."""
    other = {"phoneNumber": "mobileNumber", "mobileNumber": "phoneNumber"}.get(column, "")
    if other in fields:
        return fields[other], f"given as {column} too, which this Smaregi contract requires"
    if column == "entryDate":
        return datetime.fromtimestamp(now, _TOKYO).date().isoformat(), "filled with today"
    if column == "customerNo":
        return fields["customerCode"], "filled with the member number"
    placeholder = _PLACEHOLDERS.get(column)
    return None if placeholder is None else (str(placeholder), f"filled with {placeholder}")


class RequiredColumns:
    """The columns as last read; none before that. Reading never raises, and never delays a start.

    `read` asks Smaregi and may raise UpstreamError; `clock` is monotonic seconds.
    """

    def __init__(
        self, read: Callable[[], Awaitable[list[str]]], clock: Callable[[], float]
    ) -> None:
        self._read = read
        self._clock = clock
        self._reading: asyncio.Task[None] | None = None
        self._again_at: float | None = None
        self._logged = False
        self.names: frozenset[str] = frozenset()

    @property
    def known(self) -> bool:
        """Whether they were asked for, with or without success."""
        return self._again_at is not None

    def keep_fresh(self) -> None:
        """Begins to read them if that is due; `names` stays as it is meanwhile."""
        if self._again_at is None or self._clock() >= self._again_at:
            self._begin()

    async def read_again(self) -> None:
        """Return with what Smaregi says now, or with what it said last."""
        await asyncio.shield(self._begin())

    def forget(self) -> None:
        """Forgets them: they were another contract's."""
        self._again_at, self._logged, self.names = None, False, frozenset()

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def ask(self) -> frozenset[str]:
        """What Smaregi says now. Raises UpstreamError."""
        return frozenset(map(_column, await self._read()))

    def _begin(self) -> "asyncio.Task[None]":
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._once(), name="required columns")
        return self._reading

    async def _once(self) -> None:
        try:
            names = await self.ask()
        except UpstreamError as error:
            self._again_at = self._clock() + _AFTER_A_FAILURE
            if not self._logged:
                log.warning("Smaregi's required columns cannot be read: %s", error)
            self._logged = True
            return
        self._again_at, self._logged = self._clock() + _EVERY, False
        if names != self.names:
            log.info("Smaregi's required columns: %s", ", ".join(sorted(names)) or "none")
        self.names = names


def _column(name: str) -> str:
    """As the members' fields are named (lastKana), should it come as last_kana."""
    camel = re.sub("_([a-z])", lambda letter: letter[1].upper(), name)
    return re.sub(r"[^\w]", "?", camel)[:64]
