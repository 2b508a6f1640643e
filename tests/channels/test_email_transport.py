"""How the welcome mail leaves: codes, TLS, connections, time limits."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.errors import About, DryRunStop, ErrorClass
from gateway.sandbox import Fault, MailOptions, Sandbox
from gateway.wire import dry_run, smtp
from gateway.wire.smtp import AT_ONCE
from tests.channels.post import Post, a_post


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with a_post() as made:
        yield made


@pytest.mark.parametrize(
    ("match", "status", "expected"),
    [
        ("CONNECT", 421, ErrorClass.UNAVAILABLE),
        ("CONNECT", 554, ErrorClass.INVALID_DATA),
        ("MAIL", 451, ErrorClass.UNAVAILABLE),
        ("MAIL", 530, ErrorClass.AUTH),
        ("RCPT", 450, ErrorClass.UNAVAILABLE),
        ("RCPT", 550, ErrorClass.INVALID_DATA),
        ("DATA", 452, ErrorClass.UNAVAILABLE),
        ("DATA", 552, ErrorClass.INVALID_DATA),
        ("DATA", 535, ErrorClass.AUTH),
    ],
)
async def test_smtp_codes(post: Post, match: str, status: int, expected: ErrorClass) -> None:
    quoting = f"{status} taro@example.com says no"
    fault = Fault("status", status=status, match=match, body=quoting.partition(" ")[2])
    post.sandbox.faults.set("email", fault)
    error = await post.error()
    assert (error.error_class, error.status, error.applied) == (expected, status, False)
    post.sandbox.faults.clear()
    await post.send()


REFUSALS = [
    # said at, code, text: of whom it speaks
    ("CONNECT", 421, "4.3.2 busy", About.SYSTEM),
    ("CONNECT", 554, "5.7.1 your host is listed", About.SYSTEM),
    ("AUTH", 454, "4.7.0 Temporary authentication failure", About.SYSTEM),
    ("MAIL", 451, "4.3.0 lookup failed", About.SYSTEM),
    ("MAIL", 550, "5.1.8 sender rejected", About.SYSTEM),
    ("RCPT", 421, "4.7.0 closing", About.SYSTEM),
    ("RCPT", 450, "4.1.2 domain not found", About.CUSTOMER),
    ("RCPT", 451, "4.7.1 grey-listed", About.CUSTOMER),
    ("RCPT", 451, "local error", About.CUSTOMER),
    ("RCPT", 452, "4.2.2 mailbox full", About.CUSTOMER),
    ("RCPT", 452, "4.3.1 insufficient storage", About.CUSTOMER),
    ("RCPT", 550, "5.1.1 no such user", About.CUSTOMER),
    ("RCPT", 552, "5.2.2 full", About.CUSTOMER),
    ("DATA", 421, "4.7.0 closing", About.SYSTEM),
    ("DATA", 450, "mailbox busy", About.CUSTOMER),
    ("DATA", 450, "4.3.2 system busy", None),
    ("DATA", 451, "4.7.1 grey-listed, late", About.CUSTOMER),
    ("DATA", 452, "4.2.2 mailbox full", About.CUSTOMER),
    ("DATA", 451, "local error", None),
    ("DATA", 451, "5.7.1 a code of another class", None),
    ("DATA", 452, "4.3.1 insufficient storage", None),
    ("DATA", 550, "5.1.1 no such user", None),
]


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(("match", "status", "text", "about"), REFUSALS)
async def test_a_refusal_belongs_to_the_recipient_or_to_the_server(
    match: str, status: int, text: str, about: About | None, pipelining: bool
) -> None:
    login = match == "AUTH"
    options = MailOptions(pipelining=pipelining)
    if login:
        options = MailOptions(username="shop", password="right", pipelining=pipelining)
    settings: dict[str, Any] = {"smtp_username": "shop", "smtp_password": "right"} if login else {}
    async with a_post(options, **settings) as post:
        fault = Fault("status", status=status, match=match, body=f"{text} <taro@example.com>")
        post.sandbox.faults.set("email", fault)
        error = await post.error()
        assert (error.status, error.about, error.applied) == (status, about, False)
        counts = about is About.SYSTEM or (about is None and status < 500)
        assert error.opens_circuit is counts
        told = "the greeting" if match == "CONNECT" else match
        assert f"at {told}" in str(error)


async def test_refused_credentials_are_auth() -> None:
    options = MailOptions(username="shop", password="right", auth_required=True)
    async with a_post(options, smtp_username="shop", smtp_password="wrong") as post:
        assert (await post.error()).error_class is ErrorClass.AUTH
        post.set(smtp_username="shop", smtp_password="right")
        await post.send()
        assert "right" not in repr(post.settings)


async def test_starttls_is_never_left_out(post: Post) -> None:
    post.set(smtp_tls="starttls")
    await post.error()
    assert post.sandbox.mail.count() == 0, "a server without STARTTLS gets nothing"


def self_made(folder: Path) -> ssl.SSLContext:
    """A server's context with a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "self-made.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


async def test_starttls_with_a_self_made_certificate_is_refused(tmp_path: Path) -> None:
    async with a_post(MailOptions(tls=self_made(tmp_path)), smtp_tls="starttls") as post:
        error = await post.error()
        assert error.applied is False
        assert post.sandbox.mail.count() == 0


async def test_implicit_tls_with_a_self_made_certificate_is_refused(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(Sink(), loop=loop), "127.0.0.1", 0, ssl=self_made(tmp_path)
    )
    try:
        async with a_post(smtp_tls="implicit") as post:
            post.set(smtp_tls="implicit", smtp_port=server.sockets[0].getsockname()[1])
            error = await post.error()
            assert error.applied is False
    finally:
        server.close()
        await server.wait_closed()


def connections(post: Post) -> int:
    return len(post.sandbox.mail._servers)


async def test_a_connection_is_used_again(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0
    real = aiosmtplib.SMTP.connect

    async def counted(self: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal made
        made += 1
        return await real(self, *arguments, **options)

    monkeypatch.setattr(aiosmtplib.SMTP, "connect", counted)
    for _ in range(5):
        await post.send()
    assert made == 1
    await asyncio.gather(*(post.send() for _ in range(20)))
    assert made <= AT_ONCE
    assert post.sandbox.mail.count() == 25


async def test_a_connection_that_the_server_dropped_is_not_used(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post.send()
    post.sandbox.mail._cut()
    await asyncio.sleep(0.02)
    await post.send()
    monkeypatch.setattr(smtp, "_IDLE", 0.0)
    await post.send()
    assert post.sandbox.mail.count() == 3


async def test_new_settings_do_not_send_over_a_connection_of_the_old_ones(post: Post) -> None:
    async with Sandbox() as other:
        await post.send()
        post.set(smtp_port=other.mail.port)
        await post.send()
        assert (post.sandbox.mail.count(), other.mail.count()) == (1, 1)


async def test_settings_that_change_during_a_send_count_from_the_next_mail(post: Post) -> None:
    async with Sandbox() as other:
        post.sandbox.delays["email"] = 0.2
        sending = asyncio.create_task(post.send())
        await asyncio.sleep(0.1)
        post.set(smtp_port=other.mail.port)
        await sending
        await post.send()
        assert (post.sandbox.mail.count(), other.mail.count()) == (1, 1)


@pytest.mark.parametrize("match", ["CONNECT", "EHLO", "MAIL", "DATA"])
async def test_the_whole_send_is_bounded_in_time(match: str) -> None:
    async with a_post(seconds=0.3) as post:
        post.sandbox.faults.set("email", Fault("hang", match=match))
        began = asyncio.get_running_loop().time()
        error = await post.error()
        assert asyncio.get_running_loop().time() - began < 0.8
        assert error.error_class is ErrorClass.TIMEOUT


async def test_a_lost_answer_after_data_may_have_been_sent(post: Post) -> None:
    post.sandbox.faults.set("email", Fault("drop", times=1))
    error = await post.error()
    assert (error.error_class, error.applied) == (ErrorClass.CONNECTION, None)


async def test_a_server_that_cannot_be_reached_got_nothing(post: Post) -> None:
    post.sandbox.faults.set("email", Fault("refuse"))
    error = await post.error()
    assert (error.error_class, error.applied) == (ErrorClass.CONNECTION, False)


async def test_a_dry_run_connects_to_nobody(post: Post) -> None:
    dry_run.set(True)
    with pytest.raises(DryRunStop):
        await post.send()
    assert connections(post) == 0
