"""Who is measured: this gateway, the bare handler, and what a shop would write instead.

All take the gateway's environment variables, send the same five calls upstream for a sign-up, and
answer the same. Only the gateway keeps, validates, matches, limits, and tries again; in place of
looking up each new member it asks Smaregi what changed, once for all who sign up at that moment.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.benchmarks.children import ROOT

__all__ = ["CONTESTANTS", "Contestant", "environment", "under"]

HERE = Path(__file__).parent
CACHE = ROOT / "build" / "benchmarks"


class UnavailableError(Exception):
    """Why somebody cannot be measured here."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """`command` is run once it is prepared. `is_ours`: it goes on where a channel does not answer,
    and reads Smaregi's list of what changed.
    """

    name: str
    command: tuple[str, ...]
    told: str
    extra: Mapping[str, str] = field(default_factory=dict)
    obeys_flags: bool = True
    is_ours: bool = False

    async def prepare(self) -> str:
        """Installs what it needs; '' or the reason why it is left out."""
        try:
            await _PREPARED.get(self.name, _nothing)()
        except UnavailableError as reason:
            return str(reason)
        return ""


async def _nothing() -> None:
    """Its modules are those of the tests."""


async def _node_modules() -> None:
    if not shutil.which("node") or not shutil.which("npm"):
        raise UnavailableError("there is no node, or no npm")
    folder = CACHE / "node"
    manifest = HERE / "node" / "package.json"
    shutil.copytree(HERE / "node", folder, dirs_exist_ok=True)
    await _installed(folder, manifest, ["npm", "install", "--no-audit", "--no-fund", "--silent"])


async def _fastapi_venv() -> None:
    folder = CACHE / "fastapi"
    wanted = HERE / "fastapi" / "requirements.txt"
    if not (folder / "bin" / "python").exists():
        await _ran([sys.executable, "-m", "venv", str(folder)], ROOT)
    pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    await _installed(folder, wanted, [*pip, "--requirement", str(wanted)])


async def _installed(folder: Path, wanted: Path, command: list[str]) -> None:
    """Runs an installer once for each content of the file that says what is wanted."""
    stamp = folder / ".installed"
    if not stamp.exists() or stamp.read_bytes() != wanted.read_bytes():
        await _ran(command, folder)
        stamp.write_bytes(wanted.read_bytes())


async def _ran(command: list[str], folder: Path) -> None:
    pipe = asyncio.subprocess.PIPE
    running = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=pipe, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await running.communicate()
    if running.returncode:
        last = (said.decode(errors="replace").strip().splitlines() or ["no word"])[-1]
        raise UnavailableError(f"{Path(command[0]).name} cannot install it: {last}")


_PREPARED = {"node": _node_modules, "fastapi": _fastapi_venv}

CONTESTANTS = (
    Contestant(
        "gateway",
        (sys.executable, str(ROOT / "main.py"), "serve"),
        "this gateway, as a shop runs it",
        is_ours=True,
    ),
    Contestant(
        "floor",
        (sys.executable, str(HERE / "floor.py")),
        "a bare handler: aiohttp, uvloop, orjson, pooled SMTP, a mail from a format string",
        {"FLOOR_MAIL": "raw"},
        obeys_flags=False,
    ),
    Contestant(
        "floor+mail",
        (sys.executable, str(HERE / "floor.py")),
        "the same, with the standard library's mail",
        {"FLOOR_MAIL": "stdlib"},
        obeys_flags=False,
    ),
    Contestant(
        "node",
        ("node", str(CACHE / "node" / "server.js")),
        "Node with fastify, undici and nodemailer",
        {"NODE_ENV": "production"},
    ),
    Contestant(
        "fastapi",
        (str(CACHE / "fastapi" / "bin" / "python"), str(HERE / "fastapi" / "shop.py")),
        "FastAPI with uvicorn, httpx and aiosmtplib",
    ),
)


def under(python: str) -> Contestant:
    """The gateway in another Python, one that has what it needs."""
    version = "import platform; print(platform.python_version())"
    said = subprocess.run([python, "-c", version], capture_output=True, text=True, check=True)
    name = f"gateway {'.'.join(said.stdout.split('.')[:2])}"
    return replace(CONTESTANTS[0], name=name, command=(python, *CONTESTANTS[0].command[1:]))


def environment(
    contestant: Contestant, ports: Mapping[str, int], port: int, flags: Mapping[str, str]
) -> dict[str, str]:
    """Wide limits of its own, since the stand-ins have none."""
    host = "http://127.0.0.1"
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "GATEWAY_PORT": str(port),
        "GATEWAY_RATE_LIMIT": "100000",
        "SHOPIFY_STORE": "sandbox.myshopify.com",
        "SHOPIFY_ACCESS_TOKEN": "shpat_canned",
        "SHOPIFY_BASE_URL": f"{host}:{ports['shopify']}",
        "SMAREGI_CONTRACT_ID": "canned",
        "SMAREGI_CLIENT_ID": "canned",
        "SMAREGI_CLIENT_SECRET": "canned",
        "SMAREGI_API_URL": f"{host}:{ports['smaregi']}",
        "SMAREGI_ID_URL": f"{host}:{ports['smaregi']}",
        "SMAREGI_READS_PER_SECOND": "1000",
        "SMAREGI_WRITES_PER_SECOND": "1000",
        "HUBSPOT_ACCESS_TOKEN": "canned",
        "HUBSPOT_BASE_URL": f"{host}:{ports['crm']}",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(ports["email"]),
        "SMTP_TLS": "none",
        "EMAIL_FROM": "shop@example.com",
        **flags,
        **contestant.extra,
    }
