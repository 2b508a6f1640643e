"""Whom each commit of a sign-up is about: an engine lets others run beside it by that alone."""

from typing import Any

import pytest

from gateway.store.engine import ALONE, Whom
from tests.delivery.heart import TARO
from tests.registration.desk import PROFILE, Desk


async def test_every_commit_of_a_sign_up_says_whom_it_is_about(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, told = desk.db.write, list[Whom]()

    async def write(unit: Any, keys: Whom = ALONE) -> Any:
        told.append(keys)
        return await real(unit, keys)

    monkeypatch.setattr(desk.db, "write", write)
    await desk.sign_up(key="k")
    assert ALONE not in told
    begun, accepted, *settled, remembered = [set(keys or ()) for keys in told]
    person = desk.keys.email(PROFILE.email)
    assert begun == {person, *remembered}
    assert len(remembered) == 1
    assert accepted == {person, TARO}
    assert {frozenset(keys) for keys in settled} == {frozenset({TARO})}
