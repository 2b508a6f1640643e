"""The welcome mail: at least once, each time with the same `Message-ID`."""

import hashlib
from collections.abc import Sequence
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import Compat32
from email.utils import formataddr, formatdate, parseaddr
from typing import cast

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    select_autoescape,
)
from jinja2 import TemplateError as JinjaError

from gateway.channels.base import Check, Context, Done, Store, Work
from gateway.channels.email.settings import EmailSettings
from gateway.errors import ErrorClass, UpstreamError
from gateway.wire import SmtpTransport

__all__ = ["Email", "message_id"]

SYSTEM = "email"
_BOUNDARY = "=_both-parts-are-base64-so-this-is-in-neither"


class _Prepared(Compat32):
    """Headers that are short ASCII already: the library's folding would be half of the cost."""

    def fold_binary(self, name: str, value: str) -> bytes:
        return f"{name}: {value}\n".encode("ascii", "surrogateescape")


_PREPARED = _Prepared()


class Email:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._transport = SmtpTransport(SYSTEM, self._settings, context.timeout)
        self._made_for: EmailSettings | None = None

    def _settings(self) -> EmailSettings:
        return cast(EmailSettings, self._context.settings())

    async def start(self) -> None:
        return

    async def close(self) -> None:
        await self._transport.close()

    async def deliver(self, work: Work) -> Done:
        settings = self._settings()
        recipient = work.customer.profile.email
        if not recipient:
            raise UpstreamError(
                SYSTEM, "send mail", ErrorClass.INVALID_DATA, "no e-mail address", applied=False
            )
        reference = message_id(work.customer.id, settings.email_from or "", self._context.store())
        message = self._message(work, recipient, reference)
        await self._transport.send(
            parseaddr(settings.email_from or "")[1], recipient, message.as_bytes()
        )
        return Done("sent", reference)

    def _message(self, work: Work, recipient: str, reference: str) -> MIMEMultipart:
        language = "en" if work.customer.profile.locale.lower().startswith("en") else "ja"
        values = {
            "customer": work.customer.profile,
            "member_number": work.number,
            "store_url": self._context.store().url,
        }
        subject, text, html = (
            self._render(f"welcome.{language}.{part}", values)
            for part in ("subject.txt", "txt", "html")
        )
        message = MIMEMultipart("alternative", boundary=_BOUNDARY, policy=_PREPARED)
        message["Subject"] = Header(" ".join(subject.split()), "utf-8").encode()
        message["From"] = _address(self._settings().email_from or "")
        message["To"] = recipient
        message["Message-ID"] = reference
        message["Date"] = formatdate(self._context.clock(), localtime=False)
        message["Auto-Submitted"] = "auto-generated"
        message["Content-Language"] = language
        message.attach(MIMEText(text, "plain", "utf-8", policy=_PREPARED))
        message.attach(MIMEText(html, "html", "utf-8", policy=_PREPARED))
        return message

    def _render(self, name: str, values: dict[str, object]) -> str:
        try:
            return self._templates().get_template(name).render(values)
        except JinjaError as error:
            detail = f"template {name} cannot be rendered ({type(error).__name__})"
            raise UpstreamError(
                SYSTEM, "render", ErrorClass.INVALID_DATA, detail, applied=False
            ) from None

    def _templates(self) -> Environment:
        settings = self._settings()
        if self._made_for is not settings:
            folder = settings.email_templates
            shipped = PackageLoader("gateway.channels.email")
            self._environment = Environment(
                loader=ChoiceLoader([FileSystemLoader(folder), shipped]) if folder else shipped,
                autoescape=select_autoescape(("html",)),
                undefined=StrictUndefined,
                keep_trailing_newline=True,
                auto_reload=folder is not None,
            )
            self._made_for = settings
        return self._environment

    async def check(self) -> Sequence[Check]:
        await self._transport.probe()
        return [Check("Mail server", ok=True, detail="connected and logged in; nothing was sent")]


def message_id(customer_id: int, sender: str, store: Store) -> str:
    """One welcome a customer and store: the same id however often it is sent."""
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    mark = hashlib.sha256(f"{store.domain}:{customer_id}".encode()).hexdigest()[:16]
    return f"<welcome.{customer_id}.{mark}@{domain}>"


def _address(sender: str) -> str:
    name, address = parseaddr(sender)
    return formataddr((name, address), charset="utf-8")
