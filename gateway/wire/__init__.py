"""The only outbound traffic, HTTP and SMTP: its time limits, rates, tokens, dry-run guard."""

from gateway.wire.limits import Lane, RateLimit, lane
from gateway.wire.line import in_line
from gateway.wire.pausable_timeout import PausableTimeout, own_pace
from gateway.wire.session import Access, Call, UpstreamAnswer, Wire, dry_run, guard
from gateway.wire.smtp import SmtpSettings, SmtpTransport
from gateway.wire.tokens import ClientCredentials

__all__ = [
    "Access",
    "Call",
    "ClientCredentials",
    "Lane",
    "PausableTimeout",
    "RateLimit",
    "SmtpSettings",
    "SmtpTransport",
    "UpstreamAnswer",
    "Wire",
    "dry_run",
    "guard",
    "in_line",
    "lane",
    "own_pace",
]
