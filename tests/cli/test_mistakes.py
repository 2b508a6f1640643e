"""Mistakes of a first day: what was planted, and what `check` says of it.

Those that stop the start before anything is asked are in `tests/config`.
"""

import asyncio
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.app.checks import run_checks
from gateway.app.config import LiveConfig, load
from gateway.channels import Check
from gateway.sandbox import Fault, Sandbox
from gateway.settings.sources import Sources
from gateway.store import OwnerLock
from gateway.wire import dry_run
from tests.world import ALL_ON, a_world

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
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            ports["closed"] = str(closed.getsockname()[1])
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


@pytest.fixture
async def sandbox(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    """Names that end in .invalid are looked up nowhere: a machine's own resolver may be slow."""
    known = socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        if str(host).endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return known(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    async with Sandbox() as sandbox:
        yield sandbox
    dry_run.set(False)


def _live(sandbox: Sandbox, folder: Path, **settings: str) -> LiveConfig:
    own = {
        "GATEWAY_DATABASE_URL": f"sqlite:///{folder / 'gateway.db'}",
        "GATEWAY_UPSTREAM_TIMEOUT": "5",
    }
    environment = {**sandbox.environment(), **ALL_ON, **own, **settings}
    return LiveConfig(load(Sources(environment, {})))


async def _checked(sandbox: Sandbox, folder: Path, **settings: str) -> dict[str, Check]:
    """What is not plainly well, by its name."""
    checks = await run_checks(_live(sandbox, folder, **settings))
    return {check.name: check for check in checks if check.warns or not check.ok}


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
        found = await _checked(sandbox, tmp_path, **wrong)
    (check,) = found.values()
    assert check.name == system
    assert check.detail.startswith("check ") or mend in check.detail
    assert mend in check.detail
    assert said in check.detail
    assert "\n" not in check.detail
    assert not any(word in check.detail for word in OTHERS[system])
    assert "zzq" not in check.detail


async def test_a_scope_that_is_lacking_is_named(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.set("crm", Fault(kind="status", status=403, match="/contacts"))
    (check,) = (await _checked(sandbox, tmp_path)).values()
    assert "grant the key the scope crm.objects.contacts.read" in check.detail


@pytest.mark.parametrize(
    ("status", "said"),
    [(402, "Shopify has frozen it"), (404, "there is no such shop"), (503, "check again later")],
)
async def test_what_shopify_answers_instead_is_told_apart(
    sandbox: Sandbox, tmp_path: Path, status: int, said: str
) -> None:
    sandbox.faults.set("shopify", Fault(kind="status", status=status))
    (check,) = (await _checked(sandbox, tmp_path)).values()
    assert check.name == "Shopify"
    assert said in check.detail


async def test_connected_is_not_logged_in(sandbox: Sandbox, tmp_path: Path) -> None:
    checks = {each.name: each for each in await run_checks(_live(sandbox, tmp_path))}
    assert checks["Mail server"].detail == (
        "connected, not logged in: SMTP_USERNAME is not set; nothing was sent"
    )


@pytest.mark.parametrize(
    ("ahead", "said"), [(3720, "1 h 2 min ahead of the systems'"), (-90000, "25 h 0 min behind")]
)
async def test_a_clock_that_is_wrong_is_told_by_the_answers_date(
    sandbox: Sandbox, tmp_path: Path, ahead: int, said: str
) -> None:
    checks = await run_checks(_live(sandbox, tmp_path), clock=lambda: time.time() + ahead)
    (clock,) = [check for check in checks if check.name == "Clock"]
    assert not clock.ok
    assert f"this machine's clock is {said}" in clock.detail


async def test_a_clock_that_is_right_is_not_spoken_of(sandbox: Sandbox, tmp_path: Path) -> None:
    names = {check.name for check in await run_checks(_live(sandbox, tmp_path))}
    assert "Clock" not in names


async def _no_folder(folder: Path) -> str:
    return f"sqlite:///{folder / 'srv' / 'gateway.db'}"


async def _a_link(folder: Path) -> str:
    (folder / "linked.db").symlink_to(folder / "gateway.db")
    return f"sqlite:///{folder / 'linked.db'}"


async def _too_deep(folder: Path) -> str:
    deep = folder / ("x" * 110)
    deep.mkdir()
    return f"sqlite:///{deep / 'gateway.db'}"


async def _no_database(folder: Path) -> str:
    file = folder / "gateway.db"
    file.write_text("no database at all, however long it may be")
    file.chmod(0o600)
    return f"sqlite:///{file}"


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (_no_folder, "its folder does not exist, and none is made"),
        (_a_link, "linked.db is a symbolic link"),
        (_too_deep, "bytes, and the system takes 103"),
        (_no_database, "move gateway.db away"),
    ],
)
async def test_a_database_that_cannot_be_used_is_named(
    sandbox: Sandbox, tmp_path: Path, plant: Callable[[Path], Awaitable[str]], said: str
) -> None:
    url = await plant(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    (check,) = (await _checked(sandbox, tmp_path, GATEWAY_DATABASE_URL=url)).values()
    assert (check.name, check.ok) == ("Database", False)
    assert said in check.detail
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_that_cannot_be_written_is_named(sandbox: Sandbox, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    (check,) = (await _checked(sandbox, tmp_path)).values()
    tmp_path.chmod(0o700)
    assert "its folder cannot be written" in check.detail


async def test_a_folder_where_nothing_can_be_made_is_named(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    proc = {"GATEWAY_DATABASE_URL": "sqlite:////proc/gateway.db"}
    (check,) = (await _checked(sandbox, tmp_path, **proc)).values()
    assert "GATEWAY_DATABASE_URL: its f" in check.detail
    assert "writable for this user" in check.detail


async def test_files_that_others_may_read_are_warned_about(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    live = _live(sandbox, tmp_path)
    (tmp_path / ".env").touch()
    (tmp_path / ".env").chmod(0o644)
    watched = LiveConfig(live.current, file=tmp_path / ".env")
    (check,) = [each for each in await run_checks(watched) if each.warns]
    assert check.ok
    assert check.detail == (
        ".env can be read by every user of this machine (mode 644): chmod 600 .env"
    )


async def test_what_the_database_holds_is_told(tmp_path: Path) -> None:
    async with a_world(tmp_path, FLAG_CRM="hold") as world:
        assert (await world.register()).status == 201
        await world.settled()
        live = world.live
        lock = OwnerLock(live.current.gateway.database_path)
        assert lock.acquire()
        assert "in use by a gateway or a command" in await _told(live)
        lock.release()
        await world.stop()
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        assert "known, 2 links, 1 open delivery" in await _told(live)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


async def _told(live: LiveConfig) -> str:
    (check,) = [each for each in await run_checks(live) if each.name == "Database"]
    dry_run.set(False)
    return check.detail
