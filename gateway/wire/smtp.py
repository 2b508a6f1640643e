"""SMTP: connections reused, TLS as set (never opportunistic), the whole send bounded in time."""

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import aiosmtplib
from pydantic import Field, SecretStr

from gateway.errors import Cause, ErrorClass, UpstreamError
from gateway.settings import MailboxText, Section, is_loopback
from gateway.wire.causes import cause_of
from gateway.wire.edge import Access, Edge
from gateway.wire.limits import Slots
from gateway.wire.reasons import reason_of
from gateway.wire.smtp_refusals import Refusal, refusal_of
from gateway.wire.smtp_transaction import hand_over
from gateway.wire.time_limit import TimeLimit

__all__ = ["AT_ONCE", "SmtpSettings", "SmtpTransport"]

_IDLE = 20.0
"""Seconds after which an idle connection is no longer used: servers drop them."""
_SOONER = 0.9
"""aiosmtplib's limit as a part of ours, so that it is the one to say what it waited for."""
AT_ONCE = 6
"""Connections at the same time; shared hosts refuse more."""
_FAILURES = (aiosmtplib.SMTPException, OSError)
_TROUBLE = (*_FAILURES, TimeoutError, ValueError)


class SmtpSettings(Section):
    """A mail server; the alerts use it too."""

    smtp_host: str | None = Field(None, description="the mail server's host name")
    smtp_port: int = Field(587, ge=1, le=65535, description="its port")
    smtp_username: str | None = Field(None, description="user name, where the server wants one")
    smtp_password: SecretStr | None = Field(None, description="password of that user")
    smtp_tls: Literal["starttls", "implicit", "none"] = Field(
        "starttls", description="starttls, implicit (port 465), or none (loopback only)"
    )
    email_from: MailboxText | None = Field(
        None, description="the sender, such as Shop <shop@example.com>"
    )

    def missing(self) -> list[str]:
        problems = self._absent("smtp_host", "email_from")
        if self.smtp_tls == "none" and self.smtp_host and not is_loopback(self.smtp_host):
            problems.append(
                "SMTP_TLS: should be starttls or implicit; none is for a loopback server only"
            )
        if self.smtp_username and not self.smtp_password:
            problems += self._absent("smtp_password")
        return problems


class SmtpTransport:
    """Sends complete messages. `system` names it in errors: `email`, or `alerts`."""

    def __init__(
        self,
        system: str,
        settings: Callable[[], SmtpSettings],
        timeout: Callable[[], float],
        edge: Edge,
    ) -> None:
        self._edge = edge
        self._system = system
        self._settings = settings
        self._timeout = timeout
        self._idle: list[tuple[float, SmtpSettings, aiosmtplib.SMTP]] = []
        self._slots = Slots(AT_ONCE)

    async def close(self) -> None:
        while self._idle:
            _, _, connection = self._idle.pop()
            connection.close()

    async def send(
        self,
        sender: str,
        recipient: str,
        message: Callable[[], bytes],
        values: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        """Hand one message over. Raises UpstreamError, whose texts hold no address, and what
        the edge and `message` raise.

        Both addresses are as `smtp_address` gives them. `message()` is made when its turn has come:
        hundreds may wait for theirs. `values()`: what it says of the recipient, which a server
        might quote.
        """
        async with self._slots:
            content = message()
            self._edge.admit(Access.WRITE, "SMTP DATA")
            settings = self._settings()
            connection: aiosmtplib.SMTP | None = None
            try:
                with TimeLimit(self._timeout()):
                    connection = await self._connect(settings)
                    may_go = self._edge.require_trust
                    await hand_over(connection, sender, recipient, content, may_go)
            except BaseException as error:
                if connection is not None:
                    connection.close()  # aiosmtplib does not, and what it was told is half said
                if not isinstance(error, _TROUBLE):
                    raise
                told = (recipient, *values())
                raise self._translated(error, told, sent=connection is not None) from None
            self._idle.append((time.monotonic(), settings, connection))

    async def probe(self) -> None:
        """Connect, log in and say goodbye: nothing is sent. A server that is rude then works."""
        try:
            with TimeLimit(self._timeout()):
                connection = await self._open(self._settings())
                with contextlib.closing(connection), contextlib.suppress(*_FAILURES):
                    await connection.quit()
        except _TROUBLE as error:
            raise self._translated(error, sent=False) from None

    async def _connect(self, settings: SmtpSettings) -> aiosmtplib.SMTP:
        while self._idle:
            since, made_with, connection = self._idle.pop()
            idle = time.monotonic() - since
            if made_with is settings and idle < _IDLE and connection.is_connected:
                if idle < 1.0:
                    return connection
                with contextlib.suppress(*_FAILURES), _ClosedOnFailure(connection):
                    await connection.noop()
                    return connection
            connection.close()
        return await self._open(settings)

    async def _open(self, settings: SmtpSettings) -> aiosmtplib.SMTP:
        password = settings.smtp_password
        connection = aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=password.get_secret_value() if password else None,
            use_tls=settings.smtp_tls == "implicit",
            start_tls=settings.smtp_tls == "starttls",
            timeout=self._timeout() * _SOONER,
        )
        with _ClosedOnFailure(connection):
            await connection.connect()
            if connection.is_ehlo_or_helo_needed:
                await _greet(connection)
        return connection

    def _translated(
        self, error: Exception, values: Sequence[str] = (), *, sent: bool
    ) -> UpstreamError:
        """A server's text may quote the address, so only its code is told, and its reason apart."""
        if refusal := refusal_of(error):
            own = self._settings().smtp_username or ""
            return self._refused(refusal, reason_of(refusal.reply, [own, *values]))
        if not sent and (found := cause_of(error)) is not None:
            return self._unconnected(*found)
        if isinstance(error, (TimeoutError, aiosmtplib.SMTPTimeoutError)):
            kind, text = ErrorClass.TIMEOUT, f"no answer within {self._timeout():g} s"
        elif isinstance(error, (aiosmtplib.SMTPServerDisconnected, OSError)):
            kind, text = ErrorClass.CONNECTION, "cannot connect, or the connection was cut"
        elif isinstance(error, aiosmtplib.SMTPConnectError):
            kind, text = ErrorClass.CONNECTION, "cannot connect"
        elif isinstance(error, ValueError):
            kind, text = ErrorClass.INVALID_DATA, "the address cannot be used"
        else:
            kind, text = ErrorClass.UNEXPECTED, f"not understood ({type(error).__name__})"
        applied = None if sent else False
        return UpstreamError(self._system, "send mail", kind, text, applied=applied)

    def _refused(self, refusal: Refusal, reason: str | None) -> UpstreamError:
        return UpstreamError(
            self._system,
            "send mail",
            refusal.error_class,
            str(refusal),
            status=refusal.code,
            applied=False,
            about=refusal.about,
            reason=reason,
        )

    def _unconnected(self, cause: Cause, why: str) -> UpstreamError:
        kind = _OTHER_CLASSES.get(cause, ErrorClass.CONNECTION)
        text = f"cannot connect: {why}"
        return UpstreamError(self._system, "send mail", kind, text, applied=False, cause=cause)


async def _greet(connection: aiosmtplib.SMTP) -> None:
    """A server that knows no EHLO knows HELO."""
    try:
        await connection.ehlo()
    except aiosmtplib.SMTPHeloError:
        if not connection.is_connected:
            raise
        await connection.helo()


class _ClosedOnFailure:
    """Closes it on any exception, a cancellation too: aiosmtplib does not close it by itself."""

    def __init__(self, connection: aiosmtplib.SMTP) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._connection.close()


_OTHER_CLASSES = {Cause.NO_LOGIN: ErrorClass.AUTH, Cause.SILENT: ErrorClass.TIMEOUT}
