"""The only outbound traffic, HTTP and SMTP: its time limits, rates, tokens, dry-run guard."""

from gateway.wire.limits import Lane, RateLimit, lane
from gateway.wire.patience import Patience, own_pace
from gateway.wire.session import Access, Answer, Call, Wire, dry_run, guard
from gateway.wire.smtp import SmtpSettings, SmtpTransport
from gateway.wire.tokens import ClientCredentials

__all__ = [
    "Access",
    "Answer",
    "Call",
    "ClientCredentials",
    "Lane",
    "Patience",
    "RateLimit",
    "SmtpSettings",
    "SmtpTransport",
    "Wire",
    "dry_run",
    "guard",
    "lane",
    "own_pace",
]
