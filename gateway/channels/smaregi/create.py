"""Creates a member, once: our number is the idempotency key, and required columns are filled."""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.channels.base import Done
from gateway.channels.smaregi.client import SmaregiClient
from gateway.channels.smaregi.from_member import differing_values
from gateway.channels.smaregi.mapping import member_fields
from gateway.channels.smaregi.ownership import RecordOwnership, conflict
from gateway.channels.smaregi.required_columns import (
    RequiredColumns,
    cannot_fill,
    filled,
    unfillable,
)
from gateway.channels.smaregi.update import customers_own, is_active
from gateway.customer import Customer
from gateway.errors import ErrorClass, UpstreamError
from gateway.outcomes import Match

__all__ = ["MemberCreation"]

Row = Mapping[str, Any]


class MemberCreation:
    """`clock` is Unix seconds."""

    def __init__(
        self,
        client: SmaregiClient,
        required: RequiredColumns,
        ownership: RecordOwnership,
        clock: Callable[[], float],
    ) -> None:
        self._client = client
        self._required = required
        self._ownership = ownership
        self._clock = clock

    async def create(self, customer: Customer, match: Match) -> Done:
        """If a column was made required meanwhile, it is refused; then it tries once more."""
        self._required.keep_fresh()
        columns = self._required.names
        try:
            return await self._create(customer, columns, match)
        except UpstreamError as error:
            if error.error_class is not ErrorClass.INVALID_DATA:
                raise
            await self._required.read_again()
            if self._required.names == columns:
                raise _explained(error, columns) from None
        columns = self._required.names
        try:
            return await self._create(customer, columns, match)
        except UpstreamError as error:
            raise _explained(error, columns) from None

    async def _create(self, customer: Customer, columns: frozenset[str], match: Match) -> Done:
        stated, changed = member_fields(customer)
        fields, made_up = filled(stated, columns, self._clock())
        try:
            row = await self._client.create(fields)
        except UpstreamError as error:
            row = await self._made_after_all(error, fields["customerCode"])
        given = customers_own(stated)
        return Done(
            "created",
            str(row["customerId"]),
            customer.member_number,
            adjustments=[*changed, *made_up],
            fields=given,
            sent=given,
            in_record=differing_values(row, given),
            match=match,
        )

    async def _made_after_all(self, error: UpstreamError, code: str) -> Row:
        """Looks whether it was created: after an unclear answer, and after any refusal (what
        Smaregi says to a duplicate is not documented).
        """
        clear = error.applied is False and error.error_class is not ErrorClass.INVALID_DATA
        if clear:
            raise error
        try:
            rows = await self._client.by_number("customer_code", code)
        except UpstreamError:
            raise error from None
        self._ownership.refuse_apart(rows, int(code))
        for row in rows:
            if is_active(row):
                return row
        if rows:
            raise conflict("the member with this number is withdrawn or merged")
        raise error


def _explained(error: UpstreamError, columns: frozenset[str]) -> UpstreamError:
    """A refusal that names the required columns which the gateway cannot fill."""
    lacking = cannot_fill(columns)
    if error.error_class is not ErrorClass.INVALID_DATA or not lacking:
        return error
    return UpstreamError(
        error.system,
        error.operation,
        error.error_class,
        f"Smaregi refuses the data (HTTP {error.status}): {unfillable(lacking)}",
        status=error.status,
        applied=error.applied,
    )
