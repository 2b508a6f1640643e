"""The welcome mail's text: templates in two languages, composed into one MIME message."""

import hashlib
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import Compat32
from email.utils import formataddr, formatdate, parseaddr
from functools import lru_cache
from pathlib import Path

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    TemplateError,
    select_autoescape,
)

from gateway.channels.base import Store
from gateway.customer import Profile

__all__ = ["BrokenTemplateError", "Composer", "message_id"]

_BOUNDARY = "=_both-parts-are-base64-so-this-is-in-neither"


class BrokenTemplateError(Exception):
    """An overriding template is wrong; the text names it."""


class _Prepared(Compat32):
    """Headers that are short ASCII already: the library's folding would be half of the cost."""

    def fold_binary(self, name: str, value: str) -> bytes:
        return f"{name}: {value}\n".encode("ascii", "surrogateescape")


_PREPARED = _Prepared()


class Composer:
    """`sender` as EMAIL_FROM has it; templates in `folder` go before the shipped ones."""

    def __init__(self, sender: str, folder: Path | None, store: Store) -> None:
        self._from = formataddr(parseaddr(sender), charset="utf-8")
        self._store = store
        shipped = PackageLoader("gateway.channels.email")
        self._templates = Environment(
            loader=ChoiceLoader([FileSystemLoader(folder), shipped]) if folder else shipped,
            autoescape=select_autoescape(("html",)),
            undefined=StrictUndefined,
            keep_trailing_newline=True,
            auto_reload=folder is not None,
        )

    def compose(self, profile: Profile, member_number: str, reference: str, now: float) -> bytes:
        """The whole message. Raises BrokenTemplateError."""
        language = "en" if profile.locale.lower().startswith("en") else "ja"
        values = {
            "customer": profile,
            "member_number": member_number,
            "store_url": self._store.url,
        }
        subject, text, html = (
            self._render(f"welcome.{language}.{part}", values)
            for part in ("subject.txt", "txt", "html")
        )
        message = MIMEMultipart("alternative", boundary=_BOUNDARY, policy=_PREPARED)
        message["Subject"] = _encoded(" ".join(subject.split()))
        message["From"] = self._from
        message["To"] = profile.email
        message["Message-ID"] = reference
        message["Date"] = formatdate(now, localtime=False)
        message["Auto-Submitted"] = "auto-generated"
        message["Content-Language"] = language
        message.attach(MIMEText(text, "plain", "utf-8", policy=_PREPARED))
        message.attach(MIMEText(html, "html", "utf-8", policy=_PREPARED))
        return message.as_bytes()

    def _render(self, name: str, values: dict[str, object]) -> str:
        try:
            return self._templates.get_template(name).render(values)
        except TemplateError as error:
            # jinja2's own text may quote what it was rendering.
            raise BrokenTemplateError(
                f"the template {name} cannot be rendered ({type(error).__name__})"
            ) from None


@lru_cache(64)
def _encoded(subject: str) -> str:
    return Header(subject, "utf-8").encode()


def message_id(customer_id: int, sender: str, store: Store) -> str:
    """One welcome a customer and store: the same id however often it is sent."""
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    mark = hashlib.sha256(f"{store.domain}:{customer_id}".encode()).hexdigest()[:16]
    return f"<welcome.{customer_id}.{mark}@{domain}>"
