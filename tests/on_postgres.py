"""A plugin for pytest: every gateway of the tests stands on PostgreSQL.

    pytest -p tests.on_postgres tests/e2e

A file of SQLite is a schema of that name's hash. Tests that are about the file are left out.
"""

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import psycopg
import pytest

from gateway.app import lifecycle
from gateway.store.postgres import Postgres
from tests.store.postgres.cluster import MISSING, Cluster, programs, shared

_OF_THE_FILE = ("tests/e2e/trouble/", "tests/e2e/test_rewound.py")
"""Full disks, power cuts and copies of SQLite's file, and its restore."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(_OF_THE_FILE):
            item.add_marker(pytest.mark.skip("about SQLite's file"))


class OnPostgres(Postgres):
    """In place of a `Database`, whose path is looked at."""

    cluster: Cluster

    def __init__(self, path: Path) -> None:
        name = f"of_{blake2b(str(path).encode(), digest_size=8).hexdigest()}"
        with psycopg.connect(self.cluster.url(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name}".encode())
        super().__init__(f"{self.cluster.url()}?options=-csearch_path%3D{name}")
        self.path = path
        path.touch(mode=0o600)


@pytest.fixture(scope="session", autouse=True)
def _everywhere(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[None]:
    if programs() is None:
        pytest.skip(MISSING)
    base: Path = tmp_path_factory.getbasetemp()
    run = base if worker_id == "master" else base.parent
    with shared(run / "postgres.json") as OnPostgres.cluster, pytest.MonkeyPatch.context() as patch:
        patch.setattr(lifecycle, "Database", OnPostgres)
        yield
