"""The heart, for the tests of attempts."""

import pytest

from tests.delivery.heart import Heart


@pytest.fixture
async def heart() -> Heart:
    return Heart()
