"""The welcome mail: at least once, each time with the same `Message-ID`."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import cast

from gateway.channels.base import Check, Context, Done, Shop, Work
from gateway.channels.email.message import BrokenTemplateError, Composer, message_id
from gateway.channels.email.settings import EmailSettings
from gateway.customer import Customer
from gateway.errors import ErrorClass, UpstreamError
from gateway.normalize import parse_mailbox, smtp_address
from gateway.outcomes import Link
from gateway.wire import SmtpTransport
from gateway.wire.reasons import values_in

__all__ = ["Email"]

SYSTEM = "email"


class Email:
    consent = ""  # a welcome goes out whether or not they want marketing mail

    def __init__(self, context: Context) -> None:
        self._context = context
        self._settings = cast(Callable[[], EmailSettings], context.settings)
        self._transport = SmtpTransport(SYSTEM, self._settings, context.timeout, context.wire.edge)
        self._composer: tuple[EmailSettings, Shop, Composer] | None = None

    async def start(self) -> None:
        return

    async def close(self) -> None:
        await self._transport.close()

    def takes(self, customer: Customer) -> bool:
        return bool(customer.profile.email)

    def fields_of(self, customer: Customer) -> dict[str, str]:  # noqa: ARG002 - one mail, no record
        return {}

    async def record_of(self, customer_id: int) -> str | None:
        _ = customer_id  # a mail that was sent cannot be changed
        return None

    async def remove(self, link: Link) -> Done:
        """Nothing to do: a sent mail has no record."""
        return Done("removed", link.reference)

    async def deliver(self, work: Work) -> Done:
        profile = work.customer.profile
        recipient, store = _recipient(profile.email), self._context.store()
        composer = self._composed_by(store)
        sender = composer.sender
        reference, number = message_id(work.customer.id, sender, store), await work.number()

        def message() -> bytes:
            now = self._context.clock()
            try:
                return composer.compose(profile, recipient, number, reference, now)
            except BrokenTemplateError as error:
                raise _invalid(str(error)) from None

        await self._transport.send(
            sender.address,
            recipient,
            message,
            lambda: values_in("", asdict(profile), number),
        )
        return Done("sent", reference)

    def _composed_by(self, store: Shop) -> Composer:
        """Made again after the settings were reloaded."""
        settings, made = self._settings(), self._composer
        if made is None or made[0] is not settings or made[1] is not store:
            sender = parse_mailbox(settings.email_from or "")
            composer = Composer(sender, settings.email_templates, store)
            self._composer = made = (settings, store, composer)
        return made[2]

    async def check(self) -> Sequence[Check]:
        await self._transport.probe()
        detail = "connected and logged in; nothing was sent"
        if not self._settings().smtp_username:
            detail = "connected, not logged in: SMTP_USERNAME is not set; nothing was sent"
        return [Check("Mail server", ok=True, detail=detail)]


def _recipient(email: str) -> str:
    """Shopify may hold an address that no mail server accepts, from an old import, say."""
    if not email:
        raise _invalid("no e-mail address")
    try:
        return smtp_address(email)
    except ValueError as error:
        raise _invalid(f"the e-mail address cannot be written to: {error}") from None


def _invalid(detail: str) -> UpstreamError:
    return UpstreamError(SYSTEM, "send mail", ErrorClass.INVALID_DATA, detail, applied=False)
