"""The welcome mail: templates in two languages, composed into one MIME message.

multipart/alternative
├── text/plain
└── multipart/related       if the HTML shows the card, else text/html alone
    ├── text/html
    └── image/png           the member number as a barcode: mail programs show no SVG
"""

import hashlib
import struct
from binascii import b2a_base64
from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from jinja2 import (
    ChoiceLoader,
    DictLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    Template,
    select_autoescape,
)

from gateway.card import code128_png, is_scannable
from gateway.channels.base import Shop
from gateway.channels.email.greeting import greeted
from gateway.customer import Profile, mail_language
from gateway.normalize import Mailbox
from gateway.wire.headers import encoded, mailbox_header

__all__ = ["BrokenTemplateError", "Composer", "message_id"]

_BOUNDARY = "=_both-parts-are-base64-so-this-is-in-neither"
_CARD_BOUNDARY = "=_so-are-the-card-and-its-page"
_LINE = 76
"""Characters of base64, as RFC 2045 has them."""


class BrokenTemplateError(Exception):
    """A template of the shop's own is wrong; the text names it."""


class Composer:
    """Templates in `folder` replace the shipped ones."""

    def __init__(self, sender: Mailbox, folder: Path | None, store: Shop) -> None:
        self.sender = sender
        self._from = mailbox_header(sender, "From")
        self._store = store
        self._templates = _templates(folder)
        find = self._templates.get_template
        self._template: Callable[[str], Template] = find if folder else lru_cache(8)(find)
        """The shipped ones, which never change, are looked for once."""

    def compose(
        self, profile: Profile, recipient: str, member_number: str, reference: str, now: float
    ) -> bytes:
        """The whole message to an address as SMTP takes it. Raises BrokenTemplateError.

        The head is made by hand, as the parts are: each of its values is ASCII and folded already.
        """
        language = mail_language(profile.locale)
        card_id = _card_id(reference) if is_scannable(member_number) else ""
        customer = greeted(profile)
        values = {
            **self._templates.globals,
            "customer": customer,
            "named": bool(customer.last_name or customer.first_name),
            "member_number": member_number,
            "card": f"cid:{card_id}" if card_id else "",
            "store_url": self._store.url,
        }
        subject = self._render(f"welcome.{language}.subject.txt", values)
        text = self._render(f"welcome.{language}.txt", values)
        html = self._render(f"welcome.{language}.html", values)
        page = _part('text/html; charset="utf-8"', html.encode("utf-8", "replace"))
        if card_id and f"cid:{card_id}" in html:
            page = _with_card(page, card_id, member_number)
        plain = _part('text/plain; charset="utf-8"', text.encode("utf-8", "replace"))
        head = (
            f'Content-Type: multipart/alternative; boundary="{_BOUNDARY}"\n'
            "MIME-Version: 1.0\n"
            f"Subject: {_encoded(' '.join(subject.split()))}\n"
            f"From: {self._from}\n"
            f"To: {recipient}\n"
            f"Message-ID: {reference}\n"
            f"Date: {_date(int(now))}\n"
            "Auto-Submitted: auto-generated\n"
            f"Content-Language: {language}\n"
        )
        return f"{head}\n{_joined(_BOUNDARY, plain, page)}".encode("ascii")

    def _render(self, name: str, values: dict[str, object]) -> str:
        """`values` with the globals among them: `render` would put them together each time."""
        try:
            template = self._template(name)
            context = template.new_context(values, shared=True)
            return "".join(template.root_render_func(context))
        except Exception as error:  # noqa: BLE001 - a shop's template may raise anything
            # The error's own text may quote what was rendered.
            raise BrokenTemplateError(
                f"the template {name} cannot be rendered ({type(error).__name__})"
            ) from None


@lru_cache(4)
def _templates(folder: Path | None) -> Environment:
    """Each is compiled once in a process, however often the settings are loaded. The shipped ones
    are read here: an upgrade of the package beside a running program changes none.
    """
    there = files("gateway.channels.email").joinpath("templates").iterdir()
    shipped = DictLoader({each.name: each.read_text("utf-8") for each in there})
    return Environment(
        loader=ChoiceLoader([FileSystemLoader(folder), shipped]) if folder else shipped,
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        auto_reload=folder is not None,
    )


def _part(kind: str, content: bytes, headers: str = "") -> str:
    """By hand: the library's objects for each part would cost more than the rendering."""
    text = b2a_base64(content, newline=False)
    lines, rest = divmod(len(text), _LINE)
    form = f"{_LINE}s" * lines + (f"{rest}s" if rest else "")
    body = b"\n".join(struct.unpack(form, text)).decode("ascii")
    return f"Content-Type: {kind}\nContent-Transfer-Encoding: base64\n{headers}\n{body}\n"


def _joined(boundary: str, one: str, other: str) -> str:
    return f"--{boundary}\n{one}\n--{boundary}\n{other}\n--{boundary}--\n"


def _with_card(page: str, card_id: str, member_number: str) -> str:
    """The page and the picture that it shows, as RFC 2387 has them."""
    card = _part(
        'image/png; name="member-card.png"',
        code128_png(member_number),
        f'Content-ID: <{card_id}>\nContent-Disposition: inline; filename="member-card.png"\n',
    )
    kind = f'multipart/related; type="text/html"; boundary="{_CARD_BOUNDARY}"'
    return f"Content-Type: {kind}\n\n{_joined(_CARD_BOUNDARY, page, card)}"


def _card_id(reference: str) -> str:
    """Unique to this mail (programs store pictures by it), and the same each time it is sent."""
    return reference.strip("<>").partition("@")[0] + "@card"


@lru_cache(1)
def _date(now: int) -> str:
    return formatdate(now, localtime=False)


@lru_cache(64)
def _encoded(subject: str) -> str:
    return encoded(subject, "Subject")


def message_id(customer_id: int, sender: Mailbox, store: Shop) -> str:
    """One for each customer and store: the same id however often the mail is sent."""
    digest = hashlib.sha256(f"{store.domain}:{customer_id}".encode()).hexdigest()[:16]
    return f"<welcome.{customer_id}.{digest}@{sender.domain}>"
