"""The engine's parts that need no database."""

import asyncio
import contextvars

import pytest

from gateway.errors import ConfigurationError
from gateway.store.engine import Whom
from gateway.store.postgres.address import conninfo, place
from gateway.store.postgres.locks import locks
from gateway.store.postgres.schedule import Job, next_of
from gateway.store.postgres.statements import translated


@pytest.mark.parametrize(
    ("sqlites", "postgres"),
    [
        ("a = ? AND b = ?", "a = $1 AND b = $2"),
        ("a = ?2 AND b = ?1 OR ?2", "a = $2 AND b = $1 OR $2"),
        ("a = :one AND b = :two OR :one", "a = $1 AND b = $2 OR $1"),
        ("a = '?:one''?' AND b = ?", "a = '?:one''?' AND b = $1"),
        ("FROM d INDEXED BY d_open WHERE", "FROM d WHERE"),
        ("FROM d NOT INDEXED WHERE", "FROM d WHERE"),
        (
            "(a, b) IS NOT (c, d) AND e IS NOT NULL",
            "(a, b) IS DISTINCT FROM (c, d) AND e IS NOT NULL",
        ),
    ],
)
def test_a_statement_is_made_postgresqls(sqlites: str, postgres: str) -> None:
    assert translated(sqlites).text == postgres.encode()


def test_named_parameters_go_in_the_order_of_the_text() -> None:
    assert [*translated(":b :a :b").values({"a": 1, "b": 2, "c": 3})] == [2, 1]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u@db.example.com/shop?sslmode=prefer",
        "postgresql://u@127.0.0.1,10.0.0.1/shop?sslmode=disable",
        "postgresql://u@localhost/shop?hostaddr=10.0.0.1&sslmode=allow",
        "postgresql://u:secret@[broken",
    ],
)
def test_a_url_without_tls_beyond_this_machine_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        conninfo(url)
    assert not {"example", "secret", "10.0.0.1"} & {*str(raised.value).split("/")}
    assert "secret" not in str(raised.value)
    assert str(raised.value).startswith("GATEWAY_DATABASE_URL: ")


def test_tls_is_demanded_where_the_url_says_nothing() -> None:
    assert "sslmode=require" in conninfo("postgresql://u@a.example.com,b.example.com/shop")
    assert "sslmode=verify-full" in conninfo("postgresql://u@a.example.com/s?sslmode=verify-full")
    for here in ("localhost", "127.0.0.1", "[::1]", "%2Frun%2Fpostgresql", ""):
        assert "sslmode" not in conninfo(f"postgresql://{here}/shop")
    assert "target_session_attrs=read-write" in conninfo("postgresql:///shop")


def test_tls_is_demanded_of_a_host_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGHOST", "db.example.com")
    monkeypatch.setenv("PGSSLMODE", "disable")
    assert "sslmode=require" in conninfo("postgresql:///shop")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert "sslmode=verify-full" in conninfo("postgresql:///shop")
    assert "sslmode" not in conninfo("postgresql://localhost/shop")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:secret@db.example.com/shop", "postgresql://db.example.com/shop"),
        ("postgresql://u@a:5433,b/shop?password=secret", "postgresql://a:5433,b/shop"),
        ("postgresql://u:secret@[::1]:77/shop?sslkey=secret", "postgresql://[::1]:77/shop"),
        ("postgresql://secret:secret@/shop", "postgresql:///shop"),
        ("postgresql://u@%2Frun%2Fpostgresql/shop", "postgresql:///run/postgresql/shop"),
    ],
)
def test_where_a_database_is_is_told_without_whose_it_is(url: str, shown: str) -> None:
    assert place(url) == shown


@pytest.mark.parametrize("password", ["zq@qzq", "zq/qzq", "zq:q@qzq", "z?q@qzq", "@zqqzq", "%qzq"])
def test_a_password_that_is_not_escaped_is_refused_and_no_part_of_it_shown(password: str) -> None:
    for reads in (place, conninfo):
        with pytest.raises(ConfigurationError) as raised:
            reads(f"postgresql://u:{password}@db.example.com/shop")
        assert not any(part in str(raised.value) for part in ("zq", "qz", "u:"))


def test_locks_are_taken_in_one_order_and_apart_by_shop() -> None:
    assert locks("shop", (1, b"e")) == locks("shop", [b"e", 1, 1])
    assert locks("shop", (1,)) != locks("other", (1,))
    assert locks("shop", None) != locks("other", None)
    assert "shared" in locks("shop", ())
    assert "shared" not in locks("shop", None)


def jobs(*keys: Whom) -> list[Job[None]]:
    loop = asyncio.new_event_loop()
    loop.close()
    return [
        Job(
            lambda _: None,
            contextvars.copy_context(),
            asyncio.Future(loop=loop),
            keys=None if each is None else frozenset(each),
        )
        for each in keys
    ]


def test_who_shares_a_key_with_one_before_waits() -> None:
    one, two, other, alone = jobs((1,), (1, 2), (3,), None)
    assert next_of([two, other], [one]) is other
    assert next_of([two, alone, other], [one]) is None, "what runs alone is not overtaken for ever"
    assert next_of([alone], [one]) is None
    assert next_of([alone, two], []) is alone
    assert next_of([two], [alone]) is None


def test_who_only_reads_waits_for_nobody() -> None:
    alone, reader = jobs(None, ())
    reader.reads = True
    assert next_of([reader], [alone]) is reader
    assert next_of([alone], [reader]) is alone
