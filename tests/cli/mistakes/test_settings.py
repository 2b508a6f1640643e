"""Mistakes of a first day: what was planted, and what `check` says of it.

Those that stop the start before anything is asked are in `tests/app/config`.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.sandbox import Sandbox
from tests.cli.mistakes.checking import checked

Places = dict[str, str]
"""Addresses of servers that are not what they should be, by kind."""


def _certificate(folder: Path) -> ssl.SSLContext:
    """Of another host, signed by itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "elsewhere.example")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


@asynccontextmanager
async def _places(folder: Path, sandbox: Sandbox) -> AsyncIterator[Places]:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with AsyncExitStack() as stack:
        ports = {}
        for name, handler, tls in (
            ("silent", silent, None),
            ("http", http, None),
            ("self-signed", silent, _certificate(folder)),
        ):
            server = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=tls)
            await stack.enter_async_context(server)
            ports[name] = str(server.sockets[0].getsockname()[1])
        bound = stack.enter_context(socket.socket())  # nobody else gets its port, and none listens
        bound.bind(("127.0.0.1", 0))
        ports["closed"] = str(bound.getsockname()[1])
        ports["mail"] = str(sandbox.mail.port)
        ports["shopify"] = sandbox.shopify.url.rpartition(":")[2]
        yield ports


def _host(places: Places, name: str, scheme: str = "https") -> str:
    return f"{scheme}://127.0.0.1:{places[name]}"


SOON = {"GATEWAY_UPSTREAM_TIMEOUT": "1"}
Mistake = tuple[str, Callable[[Places], dict[str, str]], str, str]

MISTAKES: tuple[Mistake, ...] = (
    (
        "Shopify",
        lambda at: {"SHOPIFY_ACCESS_TOKEN": "shpat_zzq"},
        "check SHOPIFY_ACCESS_TOKEN: Shopify refuses it",
        "auth; shop: HTTP 401",
    ),
    (
        "Shopify",
        lambda at: (
            {"SHOPIFY_ACCESS_TOKEN": "", "SHOPIFY_CLIENT_ID": "zzq"}
            | {"SHOPIFY_CLIENT_SECRET": "zzq"}
        ),
        "check SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET",
        "token",
    ),
    (
        "Shopify",
        lambda at: {"SHOPIFY_BASE_URL": _host(at, "closed", "http")},
        "check SHOPIFY_BASE_URL, its port too: nothing listens there",
        "refused",
    ),
    (
        "Shopify",
        lambda at: {"SHOPIFY_BASE_URL": "https://no-such-shop.invalid"},
        "check SHOPIFY_BASE_URL: there is no such host",
        "cannot be found",
    ),
    (
        "Shopify",
        lambda at: {"SHOPIFY_BASE_URL": "", "SHOPIFY_STORE": "no-such-shop.invalid"},
        "check SHOPIFY_STORE: there is no such host",
        "cannot be found",
    ),
    (
        "Shopify",
        lambda at: {"SHOPIFY_BASE_URL": _host(at, "self-signed")},
        "check SHOPIFY_BASE_URL, this machine's clock and its CA certificates",
        "the certificate is signed by itself",
    ),
    (
        "Shopify",
        lambda at: {"SHOPIFY_BASE_URL": _host(at, "shopify")},
        "check SHOPIFY_BASE_URL: is its port right?",
        "speaks no TLS",
    ),
    (
        "Shopify",
        lambda at: {"SHOPIFY_BASE_URL": _host(at, "mail", "http")},
        "check SHOPIFY_BASE_URL: is its port right?",
        "speaks no HTTP",
    ),
    (
        "Shopify",
        lambda at: {"SHOPIFY_BASE_URL": _host(at, "silent", "http"), **SOON},
        "check SHOPIFY_BASE_URL, the network and the firewall",
        "no answer within",
    ),
    (
        "Smaregi",
        lambda at: {"SMAREGI_CLIENT_SECRET": "zzq"},
        "check SMAREGI_CONTRACT_ID, SMAREGI_CLIENT_ID and SMAREGI_CLIENT_SECRET",
        "token",
    ),
    (
        "Smaregi",
        lambda at: {"SMAREGI_CONTRACT_ID": "zzq"},
        "SMAREGI_CONTRACT_ID",
        "",
    ),
    (
        "Smaregi",
        lambda at: {"SMAREGI_ID_URL": _host(at, "closed", "http")},
        "check SMAREGI_ID_URL, its port too: nothing listens there",
        "refused",
    ),
    (
        "Smaregi",
        lambda at: {"SMAREGI_API_URL": _host(at, "closed", "http")},
        "check SMAREGI_API_URL, its port too: nothing listens there",
        "refused",
    ),
    (
        "CRM",
        lambda at: {"HUBSPOT_ACCESS_TOKEN": "pat-zzq"},
        "check HUBSPOT_ACCESS_TOKEN: HubSpot refuses it",
        "HTTP 401",
    ),
    (
        "CRM",
        lambda at: {"HUBSPOT_BASE_URL": "https://api.hubapi.invalid"},
        "check HUBSPOT_BASE_URL: there is no such host",
        "cannot be found",
    ),
    (
        "Welcome mail",
        lambda at: {"SMTP_HOST": "no-such-host.invalid", "SMTP_TLS": "starttls"},
        "check SMTP_HOST: there is no such host",
        "cannot be found",
    ),
    (
        "Welcome mail",
        lambda at: {"SMTP_PORT": at["closed"]},
        "check SMTP_HOST and SMTP_PORT: nothing listens there",
        "refused",
    ),
    (
        "Welcome mail",
        lambda at: {"SMTP_TLS": "starttls"},
        "check SMTP_PORT and SMTP_TLS: that server offers no STARTTLS",
        "offers no STARTTLS",
    ),
    (
        "Welcome mail",
        lambda at: {"SMTP_TLS": "implicit"},
        "check SMTP_PORT, or set SMTP_TLS=starttls",
        "speaks no TLS",
    ),
    (
        "Welcome mail",
        lambda at: {"SMTP_TLS": "implicit", "SMTP_PORT": at["self-signed"]},
        "check SMTP_HOST, this machine's clock and its CA certificates",
        "the certificate is signed by itself",
    ),
    (
        "Welcome mail",
        lambda at: {"SMTP_PORT": at["silent"], **SOON},
        "check SMTP_PORT: no mail server greets there",
        "does not greet",
    ),
    (
        "Welcome mail",
        lambda at: {"SMTP_PORT": at["http"]},
        "check SMTP_PORT: what answers there is no mail server",
        "no mail server",
    ),
    (
        "Welcome mail",
        lambda at: {"SMTP_USERNAME": "zzq", "SMTP_PASSWORD": "zzq"},
        "that server offers no login",
        "auth",
    ),
)

OTHERS = {
    "Shopify": ("SMAREGI_", "HUBSPOT_", "SMTP_", "contract"),
    "Smaregi": ("SHOPIFY_", "HUBSPOT_", "SMTP_"),
    "CRM": ("SHOPIFY_", "SMAREGI_", "SMTP_", "contract"),
    "Welcome mail": ("SHOPIFY_", "SMAREGI_", "HUBSPOT_", "contract", "scope"),
}


@pytest.mark.parametrize(
    ("system", "planted", "mend", "said"), MISTAKES, ids=[mend for _, _, mend, _ in MISTAKES]
)
async def test_a_mistake_is_named_with_its_mend_in_one_line(
    sandbox: Sandbox,
    tmp_path: Path,
    system: str,
    planted: Callable[[Places], dict[str, str]],
    mend: str,
    said: str,
) -> None:
    async with _places(tmp_path, sandbox) as places:
        wrong = planted(places)
        found = await checked(sandbox, tmp_path, **wrong)
    (check,) = found.values()
    assert check.name == system
    assert check.detail.startswith("check ") or mend in check.detail
    assert mend in check.detail
    assert said in check.detail
    assert "\n" not in check.detail
    assert not any(word in check.detail for word in OTHERS[system])
    assert "zzq" not in check.detail
