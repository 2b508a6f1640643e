"""A desk with a sign-up that was promised."""

import pytest

from tests.registration.desk import Desk


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    await desk.sign_up(later=True)
    desk.calls.clear()
    return desk
