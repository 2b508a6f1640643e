"""The gateway's secret: kept in a file of its own, and what is made of it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ConfigurationError
from gateway.store import Keys, add_secret, secret_path

SECRET = "a secret of the tests alone"
KEYS = Keys(SECRET)


def test_the_secret_is_made_once_in_a_file_of_mode_600(tmp_path: Path) -> None:
    database = tmp_path / "gateway.db"
    made = Keys.load(None, database)
    path = secret_path(database)
    assert path.name == "gateway.db.secret"
    assert path.stat().st_mode & 0o777 == 0o600
    again = Keys.load(None, database)
    assert made.hash(b"email", "a") == again.hash(b"email", "a")


def test_the_setting_goes_before_the_file(tmp_path: Path) -> None:
    keys = Keys.load("another secret of the settings", tmp_path / "gateway.db")
    assert not secret_path(tmp_path / "gateway.db").exists()
    assert keys.hash(b"email", "a") != KEYS.hash(b"email", "a")


@pytest.mark.parametrize("content", [b"", b"short\n", b"\xff\xfe not text"])
def test_a_secret_that_was_damaged_is_refused_and_not_replaced(
    tmp_path: Path, content: bytes
) -> None:
    path = secret_path(tmp_path / "gateway.db")
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="GATEWAY_SECRET"):
        Keys.load(None, tmp_path / "gateway.db")
    assert path.read_bytes() == content


def test_a_list_has_the_newest_first_and_reads_what_the_older_sealed(tmp_path: Path) -> None:
    older = "the secret that was before"
    keys = Keys.load(f"{SECRET}, {older}", tmp_path / "gateway.db")
    assert keys.hash(b"email", "a") == KEYS.hash(b"email", "a")
    assert keys.emails("a@example.com") == (
        KEYS.email("a@example.com"),
        Keys(older).email("a@example.com"),
    )
    assert keys.unseal(Keys(older).seal(b"x", "1"), "1") == b"x"
    assert KEYS.unseal(keys.seal(b"x", "1"), "1") == b"x"
    assert len({each.fingerprint for each in keys.every}) == 2
    assert not {SECRET, older} & {each.fingerprint for each in keys.every}


def test_a_new_line_in_the_file_goes_before_the_others(tmp_path: Path) -> None:
    database = tmp_path / "gateway.db"
    first = Keys.load(None, database)
    add_secret(database)
    keys = Keys.load(None, database)
    assert [each.fingerprint for each in keys.older] == [first.fingerprint]
    assert keys.fingerprint != first.fingerprint
    assert secret_path(database).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["gateway.db.secret"]


def test_a_file_with_a_line_that_is_no_secret_is_refused_by_its_number(tmp_path: Path) -> None:
    secret_path(tmp_path / "gateway.db").write_text(f"{SECRET}\nzzq-marker\n")
    with pytest.raises(ConfigurationError, match="entry 2 of 2") as caught:
        Keys.load(None, tmp_path / "gateway.db")
    assert "zzq" not in str(caught.value)


@given(st.text(), st.text())
def test_a_hash_depends_on_purpose_text_and_secret(one: str, other: str) -> None:
    assert len(KEYS.hash(b"email", one)) == 16
    assert (KEYS.hash(b"email", one) == KEYS.hash(b"email", other)) is (one == other)
    assert KEYS.hash(b"email", one) != KEYS.hash(b"name", one)
    assert KEYS.hash(b"email", one) != Keys("some other secret").hash(b"email", one)


@given(st.binary(), st.text())
def test_only_the_same_secret_and_context_unseal(plain: bytes, context: str) -> None:
    sealed = KEYS.seal(plain, context)
    assert KEYS.unseal(sealed, context) == plain
    assert KEYS.unseal(sealed, context + "x") is None
    assert Keys("some other secret").unseal(sealed, context) is None
    assert KEYS.unseal(sealed[:-1], context) is None
    assert KEYS.unseal(b"", context) is None
    assert plain == b"" or len(plain) < 4 or plain not in sealed
    assert sealed != KEYS.seal(plain, context)
