"""The welcome mail, by SMTP."""

from gateway.channels.base import Spec
from gateway.channels.email.channel import Email
from gateway.channels.email.settings import EmailSettings
from gateway.wire.smtp import AT_ONCE

__all__ = ["SPEC", "Email", "EmailSettings"]

SPEC = Spec(
    name="email",
    title="Welcome mail",
    settings=EmailSettings,
    build=Email,
    at_once=AT_ONCE - 2,
    updates=False,
    max_age=lambda section: (
        section.email_max_age * 3600 if isinstance(section, EmailSettings) else None
    ),
)
