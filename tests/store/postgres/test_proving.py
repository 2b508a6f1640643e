"""What a start finds wrong with a database. It is a real one."""

import secrets

import psycopg
import pytest

from gateway.errors import ConfigurationError
from gateway.store.postgres import Postgres, proving
from gateway.store.postgres.address import conninfo
from gateway.store.postgres.seen import SeenServer
from gateway.store.rewinding import Rewound
from tests.store.postgres.cluster import Cluster
from tests.store.postgres.steps import note


def said(url: str) -> str:
    with pytest.raises(ConfigurationError) as raised:
        proving.prove(conninfo(url))
    return str(raised.value)


def test_a_right_one_is_taken(url: str) -> None:
    proving.prove(conninfo(url))
    proving.prove(conninfo(url.replace("-csearch", "-c%20statement_timeout%3D9s%20-c%20search")))


def test_each_thing_that_is_wrong_is_said_with_what_to_do(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "has no schema" in said(url + "_none")
    assert "would not be on disk" in said(url + "%20-csynchronous_commit%3Doff")
    monkeypatch.setattr(proving, "_OLDEST", 99)
    assert "PostgreSQL 99 or later" in said(url)


def test_a_database_that_has_no_room_for_japanese_is_refused(cluster: Cluster) -> None:
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS latin")
        connection.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    assert "ENCODING UTF8" in said(cluster.url("latin"))


def test_a_disk_that_is_not_waited_for_is_warned_of(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    proving.prove(conninfo(url))
    assert "a power cut loses data" in caplog.text


async def test_a_user_who_owns_its_schema_needs_nothing_else(cluster: Cluster) -> None:
    name = f"shop_{secrets.token_hex(6)}"
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        for statement in (
            f"CREATE ROLE {name} LOGIN",
            f"CREATE SCHEMA {name} AUTHORIZATION {name}",
            f"ALTER ROLE {name} SET search_path = {name}",
        ):
            connection.execute(statement.encode())
    url = cluster.url().replace("//postgres@", f"//{name}@")
    engine = Postgres(url, lanes=1)
    await engine.open()
    await engine.write(note("known"))
    assert await engine.put_back() is None
    await engine.note_origin()
    assert await engine.put_back() is None
    assert await engine.rewind(["email"], 1.0) == Rewound(mails=0, merges=0)
    assert await engine.size() > 0
    assert engine.place.endswith(f", schema {name}")
    await engine.close()
    seen = SeenServer(url).look()
    assert (seen.is_made, seen.user) == (True, None)
