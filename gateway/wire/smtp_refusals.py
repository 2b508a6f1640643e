"""What an SMTP server's refusal is about, by the command that it answers.

`RCPT` names one mailbox: full, grey-listed, unknown, at an unknown domain. A refusal there is about
that recipient, so one recipient never stops the mail of the others. Greeting, `EHLO`, login and
`MAIL` are the same for everybody, and 421 closes the connection (RFC 5321, 3.8): these are about
the server, and no delivery is given up for them. After `DATA` the code decides: 450 is about a
mailbox, and so is a 4yz whose enhanced code names an address, a mailbox or a policy (x.1, x.2, x.7
of RFC 3463: late grey-listing); 451 and 452 without one are the server's own error and its full
disk. A 5yz after `DATA` is about this mail.
"""

import re
from dataclasses import field

import aiosmtplib

from gateway import frozen
from gateway.errors import About, ErrorClass

__all__ = ["Refusal", "refusal_of"]

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?!\S)")
_OF_ONE_MAILBOX = ("4.1.", "4.2.", "4.7.")
_CREDENTIALS = frozenset({530, 534, 535, 538})
_CLOSING = 421


@frozen
class Refusal:
    """`stage` is the command; `enhanced` is '' where the server says none.

    `reply` is what it said, which may quote the address.
    """

    code: int
    enhanced: str
    stage: str
    reply: str = field(default="", repr=False)

    @property
    def error_class(self) -> ErrorClass:
        refused = 500 <= self.code < 600
        if self.code in _CREDENTIALS or (refused and self.stage == "AUTH"):
            return ErrorClass.AUTH
        if refused:
            return ErrorClass.INVALID_DATA
        return ErrorClass.UNAVAILABLE if 400 <= self.code < 500 else ErrorClass.UNEXPECTED

    @property
    def about(self) -> About | None:
        """None if the error class says it."""
        if self.code == _CLOSING or self.stage not in {"RCPT", "DATA"}:
            return About.SYSTEM
        if self.stage == "RCPT":
            return About.CUSTOMER
        one_mailbox = self.enhanced.startswith(_OF_ONE_MAILBOX) if self.enhanced else None
        return About.CUSTOMER if one_mailbox or (one_mailbox is None and self.code == 450) else None

    def __str__(self) -> str:
        """Without the server's own words: they may quote the address."""
        said = f"SMTP {self.code} {self.enhanced}".rstrip()
        whom = {
            About.CUSTOMER: ", this recipient alone",
            About.SYSTEM: ", whoever the mail is for",
        }
        return f"{said} at {self.stage}{whom.get(self.about, '') if self.about else ''}"


def refusal_of(error: Exception) -> Refusal | None:
    """None if the server has not answered with a code."""
    stage = _stage(error)
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        error = error.recipients[0]
    if not isinstance(error, aiosmtplib.SMTPResponseException) or error.code <= 0:
        return None
    found = _ENHANCED.match(error.message)
    enhanced = found[1] if found and found[1][0] == str(error.code)[0] else ""
    return Refusal(error.code, enhanced, stage, f"{error.code} {error.message}")


def _stage(error: Exception) -> str:
    match error:
        case aiosmtplib.SMTPConnectResponseError():
            return "the greeting"
        case aiosmtplib.SMTPHeloError():
            return "EHLO"
        case aiosmtplib.SMTPAuthenticationError():
            return "AUTH"
        case aiosmtplib.SMTPSenderRefused():
            return "MAIL"
        case aiosmtplib.SMTPRecipientsRefused() | aiosmtplib.SMTPRecipientRefused():
            return "RCPT"
        case aiosmtplib.SMTPDataError():
            return "DATA"
    return "the session"
