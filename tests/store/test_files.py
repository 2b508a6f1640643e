"""Files beside the database: no link is followed, no folder made, and exposure is told by name."""

import errno
import os
import re
from pathlib import Path

import pytest

from gateway.errors import ConfigurationError
from gateway.http.owning import _bound
from gateway.store import Database, Keys, OwnerLock, exposed, secret_path, socket_path

BESIDE = ("", ".lock", ".sock", ".secret", "-wal", "-shm")


@pytest.mark.parametrize("end", BESIDE)
@pytest.mark.parametrize("dangling", [True, False])
def test_a_planted_link_is_refused_by_name(tmp_path: Path, end: str, *, dangling: bool) -> None:
    target = tmp_path / "elsewhere"
    if not dangling:
        target.write_text("theirs")
    (tmp_path / f"gateway.db{end}").symlink_to(target)
    with pytest.raises(ConfigurationError, match=re.escape(f"gateway.db{end} is a symbolic link")):
        OwnerLock(tmp_path / "gateway.db").acquire()
    assert target.exists() is not dangling
    assert dangling or target.read_text() == "theirs"


def test_a_link_in_place_of_the_secret_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("a secret that they know")
    secret_path(tmp_path / "gateway.db").symlink_to(tmp_path / "theirs")
    with pytest.raises(ConfigurationError, match="GATEWAY_SECRET"):
        Keys.load(None, tmp_path / "gateway.db")


def test_no_folder_is_made(tmp_path: Path) -> None:
    """A misspelt path would start empty."""
    with pytest.raises(ConfigurationError, match="its folder does not exist, and none is made"):
        OwnerLock(tmp_path / "srv" / "gateway.db").acquire()
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "srv").touch()
    with pytest.raises(ConfigurationError, match="what should be its folder is a file"):
        OwnerLock(tmp_path / "srv" / "gateway.db").acquire()


def test_a_folder_that_cannot_be_written_is_named_with_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        raise OSError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refused)
        patch.setattr(os, "access", lambda *_: False)
        with pytest.raises(ConfigurationError) as caught:
            OwnerLock(tmp_path / "gateway.db").acquire()
    (problem,) = caught.value.problems
    assert problem == (
        "GATEWAY_DATABASE_URL: its folder cannot be written (Permission denied): "
        f"make it writable for this user ({os.geteuid()})"
    )


@pytest.mark.parametrize(
    ("end", "mode", "said"),
    [
        ("", 0o644, "gateway.db can be read by every user"),
        ("-wal", 0o606, "gateway.db-wal can be read and written by every user"),
        (".secret", 0o604, "gateway.db.secret can be read by every user"),
        (".secret", 0o602, "gateway.db.secret can be written by every user"),
    ],
)
def test_a_file_that_others_may_read_or_write_is_named(
    tmp_path: Path, end: str, mode: int, said: str
) -> None:
    path = tmp_path / f"gateway.db{end}"
    path.touch()
    path.chmod(mode)
    (warning,) = exposed(tmp_path / "gateway.db")
    assert warning.startswith(said)
    assert warning.endswith(f"(mode {mode:03o}): chmod 600 {path.name}")


def test_a_group_may_be_given_the_files(tmp_path: Path) -> None:
    """Volumes of Kubernetes are, and `root:gateway 640` is common."""
    for name in (".env", "gateway.db", "gateway.db.secret"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o660)
    assert exposed(tmp_path / "gateway.db", tmp_path / ".env", tmp_path / "nowhere") == []


async def test_what_we_make_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    mask = os.umask(0)
    try:
        with OwnerLock(path) as lock:
            assert lock.acquire()
            Keys.load(None, path)
            db = Database(path)
            await db.open()
            await db.close()
        made = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    finally:
        os.umask(mask)
    assert set(made.values()) == {0o600}
    assert {"gateway.db", "gateway.db.lock", "gateway.db.secret"} <= set(made)


def test_the_socket_is_never_open_to_others(tmp_path: Path) -> None:
    """Not even for the moment between its bind and a chmod."""
    place = tmp_path / "gateway.db.sock"
    place.symlink_to(tmp_path / "elsewhere")
    mask = os.umask(0)
    try:
        bound = _bound(place)
        assert os.umask(0) == 0
    finally:
        os.umask(mask)
    with bound:
        assert not place.is_symlink()
        assert place.stat().st_mode & 0o777 == 0o600


def test_a_socket_that_the_system_cannot_take_is_named_with_its_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 110)
    deep.mkdir()
    with pytest.raises(ConfigurationError) as caught:
        OwnerLock(deep / "gateway.db").acquire()
    (problem,) = caught.value.problems
    whole = len(str(deep / "gateway.db.sock"))
    assert f"gateway.db.sock beside it has {whole} bytes, and the system takes 103" in problem
    assert list(deep.iterdir()) == []
    monkeypatch.chdir(deep)
    assert socket_path(deep / "gateway.db") == Path("gateway.db.sock")
