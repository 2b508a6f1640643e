"""The gateway's database, as the judge reads it beside the gateway or after its end."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import cast

from gateway.store.postgres.address import conninfo
from gateway.store.postgres.session import Session

__all__ = ["of_file", "of_server"]


@contextmanager
def of_file(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        yield db


@contextmanager
def of_server(url: str) -> Iterator[sqlite3.Connection]:
    with closing(Session(conninfo(url))) as session:
        yield cast("sqlite3.Connection", session)
