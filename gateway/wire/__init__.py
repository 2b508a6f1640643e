"""The only outbound traffic, HTTP and SMTP: time limits, rates, tokens, and the edge."""

from gateway.wire.edge import Access, Edge, dry_run
from gateway.wire.limits import Lane, RateLimit, lane
from gateway.wire.line import in_line
from gateway.wire.pausable_timeout import PausableTimeout, own_pace
from gateway.wire.session import Call, UpstreamAnswer, Wire
from gateway.wire.smtp import SmtpSettings, SmtpTransport
from gateway.wire.tokens import ClientCredentials

__all__ = [
    "Access",
    "Call",
    "ClientCredentials",
    "Edge",
    "Lane",
    "PausableTimeout",
    "RateLimit",
    "SmtpSettings",
    "SmtpTransport",
    "UpstreamAnswer",
    "Wire",
    "dry_run",
    "in_line",
    "lane",
    "own_pace",
]
