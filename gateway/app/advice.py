"""What to do about a cause: one sentence for whoever has to mend it, by error class and channel.

The sentences are message ids as well: the console shows them in its reader's language.
"""

from collections.abc import Iterator

from gateway.errors import ErrorClass
from gateway.outcomes import Outcome

__all__ = ["advice", "sentences"]

_WAITS = "Nothing: it is sent again by itself."
_HELD = "Nothing: its flag keeps it. It goes once the flag is on."
_PENDING = "Nothing: it is under way."
_SYSTEM_DOWN = (
    "The system cannot be reached or keeps failing. Deliveries wait and go out by themselves once "
    "it works; look at its status page, and run `check` if it lasts."
)
_USED_UP = "It failed too often. See whether the system works now, then send it again."

_BY_CLASS = {
    ErrorClass.AUTH: (
        "Its credentials are refused. Put new ones into .env; what waits then goes by itself."
    ),
    ErrorClass.CONFLICT: (
        "The record belongs to somebody else, or a person must decide. Open one, read its message, "
        "put it right in that system, then send it again."
    ),
    ErrorClass.TOO_LATE: (
        "These mails are too old to be sent by themselves. Send them nevertheless, or discard them."
    ),
    ErrorClass.RATE_LIMIT: "The system limits our requests. They are slowed down and sent again.",
    ErrorClass.UNEXPECTED: (
        "An answer that cannot be understood. Send it again; if it stays, look at the log and at "
        "the system's own console."
    ),
    ErrorClass.DUPLICATE: "The record seems to be there already. Send it again: it is looked for.",
}
_INVALID = {
    "smaregi": (
        "Smaregi refuses the customer's data. Read the reason, mend the field in Shopify (or make "
        "the column optional in Smaregi), then send it again."
    ),
    "crm": (
        "HubSpot refuses the property that the reason names. Make it there if it does not exist, "
        "else mend its rule in HubSpot or the customer in Shopify; then send it again."
    ),
    "email": (
        "The mail server refuses this mail. Mend the address in Shopify, or the sender's settings, "
        "then send it again."
    ),
}
_INVALID_ELSEWHERE = "The data is refused. Mend the customer in Shopify, then send it again."


def advice(channel: str, outcome: Outcome, error_class: ErrorClass | None) -> str:
    if outcome is Outcome.HELD:
        return _HELD
    if error_class is None:
        return _PENDING if outcome is Outcome.PENDING else _WAITS
    if error_class is ErrorClass.INVALID_DATA:
        return _INVALID.get(channel, _INVALID_ELSEWHERE)
    if error_class in _BY_CLASS:
        return _BY_CLASS[error_class]
    return _USED_UP if outcome is Outcome.FAILED else _SYSTEM_DOWN


def sentences() -> Iterator[str]:
    """All of them, for whoever translates."""
    yield from (_WAITS, _HELD, _PENDING, _SYSTEM_DOWN, _USED_UP, _INVALID_ELSEWHERE)
    yield from _BY_CLASS.values()
    yield from _INVALID.values()
