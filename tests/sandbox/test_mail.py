"""The mailbox, met by a real SMTP client."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import aiosmtplib
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.sandbox import Fault, MailOptions, Sandbox
from tests.sandbox.conftest import Clients, unlimited


def message(number: int = 1) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "shop@example.com"
    mail["To"] = "yamada@example.com"
    mail["Subject"] = "ご登録ありがとうございます"
    mail["Message-ID"] = f"<{number}@example.com>"
    mail.set_content("山田様\n.先頭の点\n")
    mail.add_alternative("<p>ようこそ</p>", subtype="html")
    return mail


async def send(clients: Clients, recipient: str = "yamada@example.com", **login: str) -> None:
    box = clients.sandbox.mail
    await aiosmtplib.send(
        message(),
        hostname=box.host,
        port=box.port,
        start_tls=False,
        timeout=3,
        recipients=[recipient],
        sender="shop@example.com",
        username=login.get("username"),
        password=login.get("password"),
    )


async def test_mail_arrives_whole_with_its_envelope(clients: Clients) -> None:
    await send(clients)
    (mail,) = clients.sandbox.mail.messages
    assert mail.message_id == "<1@example.com>"
    assert mail.subject == "ご登録ありがとうございます"
    assert (mail.sender, mail.recipients) == ("shop@example.com", ("yamada@example.com",))
    assert mail.body("plain") == "山田様\n.先頭の点\n"
    assert mail.body("html") == "<p>ようこそ</p>\n"
    entry = clients.sandbox.journal[0]
    assert (entry.operation, entry.applied, entry.target) == ("DATA", True, "<1@example.com>")


async def test_mails_are_counted_by_message_id(clients: Clients) -> None:
    for _ in range(2):
        await send(clients)
    assert clients.sandbox.mail.count("<1@example.com>") == 2
    assert len(clients.sandbox.mail.to("YAMADA@example.com")) == 2


@pytest.mark.parametrize(
    "recipient", ["ab..cd@docomo.ne.jp", "abc.@ezweb.ne.jp", ".a@docomo.ne.jp"]
)
async def test_an_old_carriers_address_is_taken_in_quotes_only(
    clients: Clients, recipient: str
) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as caught:
        await send(clients, recipient)
    assert [refusal.code for refusal in caught.value.recipients] == [501]
    local, _, domain = recipient.partition("@")
    await send(clients, f'"{local}"@{domain}')
    assert clients.sandbox.mail.to(recipient) == list(clients.sandbox.mail.messages)
    assert clients.sandbox.mail.count() == 1


LONG_WORD = f"=?utf-8?b?{'5bqX' * 16}?="


@pytest.mark.parametrize(
    "headers",
    [
        f"From: {LONG_WORD} <shop@example.com>\nTo: yamada@example.com",
        f"From: shop@example.com\nTo: yamada@example.com\nSubject: {LONG_WORD}",
        "From: 店 <shop@example.com>\nTo: yamada@example.com",
        "From: shop@example.com\nTo: ab..cd@docomo.ne.jp",
        "From: cafe@home <shop@example.com>\nTo: yamada@example.com",
        "From: shop@example.com\nTo: yamada@example.com, other@example.com",
        "From: shop@example.com",
    ],
)
async def test_headers_that_a_strict_server_refuses_are_refused(
    clients: Clients, headers: str
) -> None:
    box = clients.sandbox.mail
    with pytest.raises(aiosmtplib.SMTPDataError) as caught:
        await aiosmtplib.send(
            f"{headers}\n\nText\n".encode(),
            hostname=box.host,
            port=box.port,
            start_tls=False,
            recipients=["yamada@example.com"],
            sender="shop@example.com",
        )
    assert caught.value.code == 554
    assert box.count() == 0


async def test_a_fault_may_meet_one_recipient(clients: Clients) -> None:
    fault = Fault("status", status=452, match="full@example.com")
    clients.sandbox.faults.set("email", fault)
    await send(clients)
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await send(clients, "full@example.com")
    await send(clients)


@pytest.mark.parametrize(
    ("command", "status"),
    [("CONNECT", 421), ("MAIL", 451), ("RCPT", 550), ("DATA", 451), (None, 554)],
)
async def test_status_is_said_at_its_command(
    clients: Clients, command: str | None, status: int
) -> None:
    clients.sandbox.faults.set("email", Fault("status", status=status, match=command, times=1))
    with pytest.raises(aiosmtplib.SMTPException) as caught:
        await send(clients)
    assert str(status) in str(caught.value)
    (entry,) = clients.sandbox.journal
    assert (entry.operation, entry.status, entry.applied) == (command or "DATA", status, False)
    await send(clients)
    assert clients.sandbox.mail.count() == 1


@pytest.mark.parametrize("options", [unlimited(mail=MailOptions(username="u", password="p"))])
async def test_login_is_offered_checked_and_refused_by_a_fault(clients: Clients) -> None:
    await send(clients, username="u", password="p")
    with pytest.raises(aiosmtplib.SMTPAuthenticationError):
        await send(clients, username="u", password="wrong")
    clients.sandbox.faults.set("email", Fault("status", status=535))
    with pytest.raises(aiosmtplib.SMTPAuthenticationError):
        await send(clients, username="u", password="p")
    assert clients.sandbox.mail.count() == 1


@pytest.mark.parametrize("options", [unlimited(mail=MailOptions(auth_required=True, username="u"))])
async def test_login_can_be_demanded(clients: Clients) -> None:
    with pytest.raises(aiosmtplib.SMTPException):
        await send(clients)


async def test_without_options_neither_login_nor_starttls_is_offered(clients: Clients) -> None:
    box = clients.sandbox.mail
    async with aiosmtplib.SMTP(hostname=box.host, port=box.port, start_tls=False) as client:
        await client.ehlo()
        assert not client.supports_extension("auth")
        assert not client.supports_extension("starttls")
        assert client.supports_extension("smtputf8")
        assert client.supports_extension("size")


@pytest.mark.parametrize(
    ("kind", "kept"), [("reset", 0), ("drop", 1), ("half", 1)], ids=["reset", "drop", "half"]
)
async def test_broken_connection_keeps_the_mail_or_not(
    clients: Clients, kind: str, kept: int
) -> None:
    clients.sandbox.faults.set("email", Fault(kind))  # type: ignore[arg-type]
    with pytest.raises((aiosmtplib.SMTPException, OSError)):
        await send(clients)
    assert clients.sandbox.mail.count() == kept


async def test_late_mail_arrives_after_its_connection_is_gone(clients: Clients) -> None:
    clients.sandbox.faults.set("email", Fault("late", delay=0.1))
    with pytest.raises(aiosmtplib.SMTPException):
        await send(clients)
    assert clients.sandbox.mail.count() == 0
    while not clients.sandbox.mail.count():
        await asyncio.sleep(0.01)
    assert clients.sandbox.mail.count() == 1


async def test_hang_refuse_and_delay(clients: Clients) -> None:
    clients.sandbox.faults.set("email", Fault("hang", match="CONNECT"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(send(clients), 0.2)
    clients.sandbox.faults.clear()
    clients.sandbox.faults.set("email", Fault("refuse"))
    with pytest.raises(aiosmtplib.SMTPConnectError):
        await send(clients)
    clients.sandbox.faults.clear()
    clients.sandbox.delays["email"] = 0.2
    began = asyncio.get_running_loop().time()
    await send(clients)
    assert asyncio.get_running_loop().time() - began > 0.19


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *form)
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


async def test_starttls_is_offered_with_a_context(certified: ssl.SSLContext) -> None:
    async with Sandbox(unlimited(mail=MailOptions(tls=certified))) as sandbox:
        client = aiosmtplib.SMTP(
            hostname=sandbox.mail.host,
            port=sandbox.mail.port,
            start_tls=True,
            validate_certs=False,
            timeout=3,
        )
        async with client:
            await client.send_message(message())
        assert sandbox.mail.count() == 1


@pytest.mark.parametrize("options", [unlimited(mail=MailOptions(keep=3))])
async def test_only_the_newest_mails_are_kept(clients: Clients) -> None:
    for _ in range(5):
        await send(clients)
    assert clients.sandbox.mail.count() == 3


@pytest.mark.parametrize("options", [unlimited(mail=MailOptions(size=100))])
async def test_too_big_a_mail_is_refused(clients: Clients) -> None:
    with pytest.raises(aiosmtplib.SMTPException):
        await send(clients)
    assert clients.sandbox.mail.count() == 0
