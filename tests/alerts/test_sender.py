"""Alerts leave by webhook and by mail, and a broken target hurts nothing."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.alerts import AlertSender, notices
from gateway.alerts.incidents import Incidents
from gateway.errors import ErrorClass, UpstreamError
from gateway.sandbox import Fault, Sandbox
from gateway.settings import AlertSettings
from gateway.wire import SmtpSettings
from tests.upstream_answers import Answers, answers, kept, section, wire

HOOK = "https://hooks.example.com/services/T000/B000/secret"
TO_HOOK = section(AlertSettings, alert_webhook_url=HOOK)
NO_MAIL = section(SmtpSettings)


@asynccontextmanager
async def sending(
    settings: AlertSettings, smtp: SmtpSettings = NO_MAIL
) -> AsyncIterator[AlertSender]:
    async with wire() as sender:
        alerts = AlertSender(sender, kept(settings), kept(smtp), lambda: 1.0)
        alerts.start()
        try:
            yield alerts
        finally:
            await alerts.stop()


def failure(kind: ErrorClass = ErrorClass.TIMEOUT) -> UpstreamError:
    return UpstreamError("crm", "create contact", kind, "no answer within 8 s")


def posted(said: Answers) -> list[str]:
    return [request.json["text"] for request in said.sent]


async def test_the_webhook_gets_a_slack_style_body() -> None:
    with answers() as said:
        said.say("POST", HOOK, repeat=True)
        async with sending(TO_HOOK) as alerts:
            alerts.failed("crm", failure())
    (request,) = said.sent
    assert set(request.json) == {"text"}
    assert "crm" in request.json["text"]
    assert request.headers["Content-Type"] == "application/json"


async def test_many_failures_are_one_message() -> None:
    with answers() as said:
        said.say("POST", HOOK, repeat=True)
        async with sending(TO_HOOK) as alerts:
            for _ in range(1000):
                alerts.failed("crm", failure())
    assert len(posted(said)) == 1


@pytest.mark.parametrize("broken", ["refused", "status", "hanging"])
async def test_a_broken_target_hurts_nobody(broken: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with answers() as said:
        if broken == "refused":
            said.say("POST", HOOK, error=ConnectionRefusedError(HOOK), repeat=True)
        elif broken == "hanging":
            said.say("POST", HOOK, error=TimeoutError(), repeat=True)
        else:
            said.say("POST", HOOK, status=500, repeat=True)
        async with sending(TO_HOOK) as alerts:
            began = asyncio.get_running_loop().time()
            for kind in ErrorClass:
                alerts.failed("crm", failure(kind))
            assert asyncio.get_running_loop().time() - began < 0.1, "nobody waits for it"
    assert "T000" not in caplog.text, "the address of the webhook is a secret"


async def test_without_a_target_alerts_are_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with sending(section(AlertSettings)) as alerts:
        alerts.failed("crm", failure())
        alerts.notice(notices.two_members())
    assert "HubSpot: timeout" in caplog.text
    assert "Two customers were merged" in caplog.text


async def test_alerts_are_mailed_too() -> None:
    async with Sandbox() as sandbox:
        smtp = section(
            SmtpSettings,
            smtp_host=sandbox.mail.host,
            smtp_port=sandbox.mail.port,
            smtp_tls="none",
            email_from="Shop <shop@example.com>",
        )
        async with sending(section(AlertSettings, alert_email="admin@example.com"), smtp) as alerts:
            alerts.failed("crm", failure())
        (mail,) = sandbox.mail.to("admin@example.com")
        assert "HubSpot" in mail.subject
        assert "HubSpot: timeout" in (mail.body("plain") or "")


async def test_a_strict_server_takes_the_alert_whatever_the_names_and_the_words() -> None:
    async with Sandbox() as sandbox:
        smtp = section(
            SmtpSettings,
            smtp_host=sandbox.mail.host,
            smtp_port=sandbox.mail.port,
            smtp_tls="none",
            email_from="ABC@渋谷 <shop@example.com>",
        )
        to = section(
            AlertSettings, alert_email="係の者（本店とその他すべての支店） <a..b@docomo.ne.jp>"
        )
        async with sending(to, smtp) as alerts:
            alerts.notice(notices.another_system("crm", "さまざまな事情" * 20))
            await alerts._to_mail("half of a character, which no log can hold: \ud800")
        assert len(sandbox.mail.to("a..b@docomo.ne.jp")) == 2


async def test_a_mail_server_that_is_down_does_not_keep_the_webhook_from_being_told() -> None:
    async with Sandbox() as sandbox:
        sandbox.faults.set("email", Fault("status", status=451))
        smtp = section(
            SmtpSettings,
            smtp_host=sandbox.mail.host,
            smtp_port=sandbox.mail.port,
            smtp_tls="none",
            email_from="shop@example.com",
        )
        both = section(AlertSettings, alert_webhook_url=HOOK, alert_email="admin@example.com")
        with answers() as said:
            said.say("POST", re.compile(re.escape(HOOK)), repeat=True)
            async with sending(both, smtp) as alerts:
                alerts.failed("crm", failure())
        assert len(posted(said)) == 1


async def test_a_recovery_leaves_by_itself() -> None:
    with answers() as said:
        said.say("POST", HOOK, repeat=True)
        async with wire() as sender:
            alerts = AlertSender(
                sender,
                kept(TO_HOOK),
                kept(NO_MAIL),
                lambda: 1.0,
                incidents=Incidents(calm=0.1),
            )
            alerts.start()
            alerts.failed("crm", failure())
            alerts.worked("crm")
            async with asyncio.timeout(30):
                while len(said.sent) < 2:
                    await asyncio.sleep(0.02)
            await alerts.stop()
    assert re.search(r"works again after \d s; nothing waited for it", posted(said)[1])
