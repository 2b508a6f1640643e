"""A desk, for the tests of the registrar."""

import pytest

from tests.registration.desk import Desk


@pytest.fixture
async def desk() -> Desk:
    return Desk()
