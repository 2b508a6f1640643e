"""What every trial stands on: a shell for each gateway, and what is under trial."""

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random
from typing import Protocol

from gateway.sandbox import Sandbox, first_free
from tests.cli.process import Shell
from tests.crash.hardship import VARIABLE
from tests.crash.held import Verdict
from tests.crash.weather import FLAGS, Surroundings
from tests.world import ALL_ON, OPERATOR

__all__ = ["Servers", "a_port", "a_shell", "write_flags"]

_ROOT = Path(__file__).parents[2]
_SETTINGS = {
    "GATEWAY_AUTO_REPLAY": "true",
    "GATEWAY_RETRY_SCHEDULE": "0.2,0.5,1,1,2,2,4,4,8,8",
    "GATEWAY_UPSTREAM_TIMEOUT": "1.5",
    "GATEWAY_RESPONSE_DEADLINE": "3",
    "GATEWAY_RATE_LIMIT": "100000",
    "GATEWAY_OPERATOR_KEYS": OPERATOR["Authorization"].split()[1],
    "SMAREGI_READS_PER_SECOND": "1000",
    "SMAREGI_WRITES_PER_SECOND": "1000",
    "SMAREGI_SYNC_CHANGES": "true",
    "POINTS_STORE_ID": "1",
    "POINTS_RESERVATION_MINUTES": "5",
    "PYTHONPATH": str(_ROOT),
}


class Servers(Protocol):
    """One gateway on SQLite, or several on PostgreSQL.

    `url` is where the shop and the vendors reach whoever serves; commands are typed in the
    `shells`. `counts` goes into the table.
    """

    around: Surroundings
    counts: Counter[str]

    @property
    def url(self) -> str: ...

    @property
    def shells(self) -> Sequence[Shell]: ...

    async def start(self) -> None: ...

    async def strike(self) -> None:
        """One hardship, until all is as before."""

    async def stop(self) -> int:
        """As an operator does; the exit code."""

    async def close(self) -> None: ...

    def books(self) -> AbstractContextManager[sqlite3.Connection]:
        """Their database, to be read."""

    def excuses(self, since: float) -> bool:
        """Whether the database was not to be used at some moment since (monotonic)."""

    def judge(self, verdict: Verdict) -> None:
        """What is known of the processes and the database's files, after their end."""


def a_port(home: Path) -> int:
    """The same for all starts."""
    return first_free("127.0.0.1", Random(str(home)).randrange(20_000, 30_000))


def a_shell(sandbox: Sandbox, home: Path, hardship: Path, port: int, **settings: str) -> Shell:
    """In `home`, which it makes; the flags are in `.env`, which may change."""
    home.mkdir()
    own = {VARIABLE: str(hardship), "GATEWAY_PORT": str(port)}
    shell = Shell.beside(sandbox, home, **{**_SETTINGS, **own, **settings})
    shell.program = ("-m", "tests.crash.hampered")
    for name in ALL_ON:
        del shell.settings[name]
    write_flags(shell, {})
    return shell


def write_flags(shell: Shell, changes: Mapping[str, str]) -> None:
    shell.write_env(**{**dict.fromkeys(FLAGS, "on"), **changes})
