"""Sends alerts to a Slack-style webhook and by mail; a broken target hurts nothing."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from email.mime.text import MIMEText
from email.utils import formatdate, make_msgid

import orjson

from gateway.alerts.incidents import Incidents
from gateway.background import Background
from gateway.errors import ErrorClass, UpstreamError
from gateway.normalize import parse_mailbox
from gateway.settings import AlertSettings
from gateway.wire import Access, Call, SmtpSettings, SmtpTransport, Wire
from gateway.wire.headers import encoded, mailbox_header

__all__ = ["AlertSender"]

log = logging.getLogger(__name__)

_TICK = 1.0
_LAST = 10
_WAITING = 100
"""Alerts that may wait for a slow target; more are dropped, they are in the log."""


class AlertSender:
    def __init__(
        self,
        wire: Wire,
        settings: Callable[[], AlertSettings],
        smtp: Callable[[], SmtpSettings],
        timeout: Callable[[], float],
        *,
        incidents: Incidents | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wire = wire
        self._settings = settings
        self._smtp = smtp
        self._transport = SmtpTransport("alerts", smtp, timeout)
        self._incidents = incidents or Incidents()
        self._clock = clock
        self._queue: asyncio.Queue[str] = asyncio.Queue(_WAITING)
        self._background = Background()
        self.last: deque[tuple[float, str]] = deque(maxlen=_LAST)
        """The newest alerts of this process: when (Unix seconds), and the text."""

    def start(self) -> None:
        self._background.every(_TICK, self._tick, "the watch on incidents")
        self._background.go_round(self._send, "sending alerts")

    async def stop(self, seconds: float = 1.0) -> None:
        """Gives waiting alerts a moment to be sent."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._queue.join()
        await self._background.stop()
        await self._transport.close()

    def failed(self, system: str, error: UpstreamError) -> None:
        self._tell(self._incidents.failed(system, error.error_class, str(error), self._clock()))

    def failed_with(self, system: str, error_class: ErrorClass, detail: str) -> None:
        self._tell(self._incidents.failed(system, error_class, detail, self._clock()))

    def worked(self, system: str) -> None:
        self._incidents.worked(system)

    def notice(self, text: str) -> None:
        """Tells administrators something that is not a failure."""
        self._tell([text])

    def _tell(self, texts: Sequence[str]) -> None:
        for text in texts:
            log.warning("alert: %s", text)
            self.last.append((time.time(), text))
            with suppress(asyncio.QueueFull):
                self._queue.put_nowait(text)

    async def _tick(self) -> None:
        self._tell(self._incidents.tick(self._clock()))

    async def _send(self) -> float:
        """The next that waits, and at once the one after."""
        text = await self._queue.get()
        try:
            await asyncio.gather(self._to_webhook(text), self._to_mail(text))
        except Exception:
            log.exception("an alert could not be sent")
        finally:
            self._queue.task_done()
        return 0.0

    async def _to_webhook(self, text: str) -> None:
        url = self._settings().alert_webhook_url
        if url is None:
            return
        call = Call(
            "alerts",
            "alert webhook",
            Access.WRITE,
            "POST",
            url,
            headers={"Content-Type": "application/json"},
            body=orjson.dumps({"text": text}),
            timeout=5.0,
        )
        try:
            answer = await self._wire.send(call)
            if answer.status >= 300:
                log.warning("ALERT_WEBHOOK_URL answered HTTP %d", answer.status)
        except UpstreamError as error:
            log.warning("ALERT_WEBHOOK_URL cannot be reached: %s", error.error_class)

    async def _to_mail(self, text: str) -> None:
        wanted, given = self._settings().alert_email, self._smtp().email_from
        if wanted is None or given is None:
            return
        recipient, sender = parse_mailbox(wanted), parse_mailbox(given)
        message = MIMEText(text.encode("utf-8", "replace").decode() + "\n", "plain", "utf-8")
        message["Subject"] = encoded("Registration gateway: " + text[:60], "Subject")
        message["From"] = sender.address
        message["To"] = mailbox_header(recipient, "To")
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=sender.domain)
        try:
            await self._transport.send(sender.address, recipient.address, message.as_bytes())
        except UpstreamError as error:
            log.warning("ALERT_EMAIL cannot be sent: %s", error.error_class)
