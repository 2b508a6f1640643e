"""Sends alerts to a Slack-style webhook and by mail; if a target fails, nothing else does."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.mime.text import MIMEText
from email.utils import formatdate, make_msgid

import orjson

from gateway.alerts.alert import Alert
from gateway.alerts.incidents import Incidents, News
from gateway.alerts.wording import AlertFacts, alert_of
from gateway.background import Background
from gateway.errors import ErrorClass, StorageError, UpstreamError
from gateway.normalize import parse_mailbox
from gateway.settings import AlertSettings
from gateway.wire import Access, Call, SmtpSettings, SmtpTransport, Wire
from gateway.wire.headers import encoded, mailbox_header

__all__ = ["AlertSender"]

log = logging.getLogger(__name__)

_TICK = 1.0
_LAST = 10
_COUNTING = 2.0
"""Seconds that an alert waits for the number of what waits."""
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
        facts: AlertFacts | None = None,
        incidents: Incidents | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wire = wire
        self._settings = settings
        self._smtp = smtp
        self._transport = SmtpTransport("alerts", smtp, timeout, wire.edge)
        self._facts = facts or AlertFacts()
        self._incidents = incidents or Incidents()
        self._clock = clock
        self._news: asyncio.Queue[News | Alert] = asyncio.Queue()
        self._queue: asyncio.Queue[str] = asyncio.Queue(_WAITING)
        self._background = Background()
        self.last: deque[tuple[float, Alert]] = deque(maxlen=_LAST)
        """The newest alerts of this process, and when (Unix seconds)."""

    def start(self) -> None:
        self._background.every(_TICK, self._tick, "the watch on incidents")
        self._background.go_round(self._word, "wording alerts")
        self._background.go_round(self._send, "sending alerts")

    async def stop(self, seconds: float = 1.0) -> None:
        """Gives waiting alerts a moment to be sent."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.join()
                await self._queue.join()
        await self._background.stop()
        await self._transport.close()

    def failed(self, system: str, error: UpstreamError) -> None:
        self._tell(self._incidents.failed(system, error.error_class, str(error), self._clock()))

    def failed_with(self, system: str, error_class: ErrorClass, detail: str) -> None:
        self._tell(self._incidents.failed(system, error_class, detail, self._clock()))

    def worked(self, system: str) -> None:
        self._incidents.worked(system, self._clock())

    def notice(self, alert: Alert) -> None:
        """Tells administrators something that is not a failure of a system."""
        self._tell([alert])

    def _tell(self, news: Sequence[News | Alert]) -> None:
        for each in news:
            self._news.put_nowait(each)

    async def _tick(self) -> None:
        if self._incidents.is_any:
            await self._count()
            self._tell(self._incidents.tick(self._clock()))

    async def _count(self) -> Mapping[str, int]:
        """How much waits for what; nothing where the database does not say it soon."""
        try:
            async with asyncio.timeout(_COUNTING):
                waiting = await self._facts.waiting()
        except (StorageError, TimeoutError):
            return {}
        self._incidents.wait(waiting)
        return waiting

    async def _word(self) -> float:
        """The next that is to be told, in words; and at once the one after."""
        news = await self._news.get()
        try:
            alert = news if isinstance(news, Alert) else await self._in_words(news)
            console = self._facts.console()
            page = None if None in (console, alert.page) else f"{console}{alert.page}"
            alert = replace(alert, page=page)
            text = alert.told()
            log.warning("alert: %s", text)
            self.last.append((time.time(), alert))
            with suppress(asyncio.QueueFull):
                self._queue.put_nowait(text)
        finally:
            self._news.task_done()
        return 0.0

    async def _in_words(self, news: News) -> Alert:
        began = time.time() - (self._clock() - news.began)
        since = datetime.fromtimestamp(began, UTC).astimezone()
        waiting = await self._count()
        return alert_of(news, self._facts, waiting, f"{since:%Y-%m-%d %H:%M:%S (UTC%z)}")

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
        except StorageError as error:
            log.warning("ALERT_WEBHOOK_URL was not asked: %s", error)

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
            await self._transport.send(sender.address, recipient.address, message.as_bytes)
        except UpstreamError as error:
            log.warning("ALERT_EMAIL cannot be sent: %s", error.error_class)
        except StorageError as error:
            log.warning("ALERT_EMAIL was not sent: %s", error)
