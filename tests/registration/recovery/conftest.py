"""A desk and a clock, for the tests of recovery."""

import pytest

from tests.registration.desk import Desk
from tests.registration.recovery.doubt import Moment


@pytest.fixture
async def desk() -> Desk:
    return Desk()


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> Moment:
    moment = Moment()
    monkeypatch.setattr("gateway.registration.recovery.time.monotonic", moment)
    return moment
