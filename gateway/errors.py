"""What can go wrong, drawn once.

    GatewayError
    ├── ConfigurationError      settings or flags; lists every problem, never a value (exit 2)
    ├── StorageError            the database cannot promise anything right now (503)
    ├── UpstreamError           a foreign system; has its error class, and if it may have acted
    │   ├── NotReadyError       nothing is wrong: what the attempt needs is still being fetched
    │   └── IdentityError       another shop, contract or account than before: a person must accept
    ├── EmailNotProven          whoever only knows a member's e-mail gets nothing (403)
    ├── DryRunStop              a write was about to be sent under `dry_run`
    └── CommandRefused          the owner of the database file refuses what a command asked

Foreign exceptions (aiohttp, aiosmtplib, sqlite3) are translated at one edge each: `gateway.wire`,
`gateway.wire.smtp` and `gateway.store.database`. No text here carries personal data.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

__all__ = [
    "About",
    "Cause",
    "CommandRefused",
    "ConfigurationError",
    "DryRunStop",
    "EmailNotProven",
    "ErrorClass",
    "GatewayError",
    "IdentityError",
    "NotReadyError",
    "StorageError",
    "Unreachable",
    "UpstreamError",
    "plain",
    "plain_json",
]


class ErrorClass(StrEnum):
    """Why an attempt failed: a closed set, the same in the database, HTTP, CLI and metrics."""

    CONNECTION = "connection"
    TIMEOUT = "timeout"
    RATE_LIMIT = "rate_limit"
    UNAVAILABLE = "unavailable"
    AUTH = "auth"
    INVALID_DATA = "invalid_data"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    TOO_LATE = "too_late"
    UNEXPECTED = "unexpected"

    @property
    def needs_a_person(self) -> bool:
        """Whether another try cannot help: then `failed` at once, without using up the schedule."""
        return self in {ErrorClass.INVALID_DATA, ErrorClass.CONFLICT, ErrorClass.TOO_LATE}

    @property
    def opens_circuit(self) -> bool:
        """Whether the failure is about the whole system rather than about one customer."""
        return self in {
            ErrorClass.CONNECTION,
            ErrorClass.TIMEOUT,
            ErrorClass.UNAVAILABLE,
            ErrorClass.RATE_LIMIT,
        }


class About(StrEnum):
    """Whom a refusal is about, if its error class does not say it."""

    CUSTOMER = "customer"  # this one alone: it never counts towards the channel's circuit
    SYSTEM = "system"  # everybody alike: it counts, and is tried again by itself


class Cause(StrEnum):
    """Why there is no connection, if that is known: each cause has its own remedy."""

    NAME = "name"  # there is no such host
    REFUSED = "refused"  # nothing listens there
    UNREACHABLE = "unreachable"  # no way leads to the host
    CERTIFICATE = "certificate"
    HANDSHAKE = "handshake"  # TLS failed for another reason
    NO_TLS = "no_tls"  # TLS was begun with something that does not speak it
    NO_STARTTLS = "no_starttls"  # the mail server offers none
    NO_LOGIN = "no_login"  # the mail server offers none
    SILENT = "silent"  # a mail server greets first; this one does not
    PROTOCOL = "protocol"  # what answers is another kind of server


class GatewayError(Exception):
    """Everything that this program raises on purpose."""


class ConfigurationError(GatewayError):
    """`problems`: one sentence each, beginning with the variable's name, never with its value."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class StorageError(GatewayError):
    """The database could not keep a promise; `hint` tells the operator what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class UpstreamError(GatewayError):
    """A call to a foreign system failed.

    `system`       shopify, or a channel's name
    `operation`    what was tried, in the upstream's words, without ids or data
    `error_class`  one of the closed set
    `status`       the HTTP status or SMTP code, where there was one
    `retry_after`  seconds the upstream asked for, where it did
    `about`        one customer or the whole system; None: as the error class has it
    `applied`      False: certainly not carried out; None: nobody knows (a lost or broken answer)
    `cause`        why there was no connection, where that is known
    `reason`       the upstream's own words for it, without values (`wire.reasons`)
    """

    def __init__(
        self,
        system: str,
        operation: str,
        error_class: ErrorClass,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        applied: bool | None = None,
        about: About | None = None,
        cause: Cause | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(plain(f"{operation}: {message}"))
        self.system = system
        self.about = about
        self.operation = operation
        self.error_class = error_class
        self.status = status
        self.retry_after = retry_after
        self.applied = applied
        self.cause = cause
        self.reason = reason

    @property
    def needs_a_person(self) -> bool:
        return self.error_class.needs_a_person and self.about is not About.SYSTEM

    @property
    def opens_circuit(self) -> bool:
        if self.about is None:
            return self.error_class.opens_circuit
        return self.about is About.SYSTEM


class NotReadyError(UpstreamError):
    """The attempt waits for something of ours (the first scan of members): uncounted, no alert."""

    def __init__(self, system: str, message: str) -> None:
        super().__init__(system, "prepare", ErrorClass.UNAVAILABLE, message, applied=False)


class IdentityError(UpstreamError):
    """Another shop, contract or account answers than before. Nothing was sent but the question."""

    def __init__(self, system: str, operation: str, reason: str) -> None:
        super().__init__(system, operation, ErrorClass.AUTH, reason, applied=False, reason=reason)


class EmailNotProven(GatewayError):  # noqa: N818 - an answer, nothing failed
    """The store member was linked by an e-mail that is not known to be the customer's."""


class DryRunStop(GatewayError):  # noqa: N818 - it ends a rehearsal, nothing failed
    """Raised at the outbound edge in place of a write; `operation` is what would have been sent."""

    def __init__(self, operation: str) -> None:
        super().__init__(f"dry run: stopped before {operation}")
        self.operation = operation


class Unreachable(GatewayError):  # noqa: N818 - likewise
    """A system could not be asked for what a command wanted to show."""


class CommandRefused(GatewayError):  # noqa: N818 - the owner's word, shown as it is
    """The owner of the database file refuses what a command asked."""


_SPACE = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]+"
)


def plain(text: str) -> str:
    """Text from outside, made safe to show: on one line, without characters that do something.

    A control character can move a terminal's cursor or forge a line of the log; a bidi mark or an
    invisible character can make a text look like another one.
    """
    if text.isprintable():
        return text
    return _UNSEEN.sub("", _SPACE.sub(" ", text))


def plain_json(value: Any) -> Any:
    """The same for every text in it."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {plain(key): plain_json(each) for key, each in value.items()}
    return [plain_json(each) for each in value] if isinstance(value, list) else value
