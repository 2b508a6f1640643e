"""The heart, for the tests of preparation."""

import pytest

from tests.delivery.heart import Heart


@pytest.fixture
async def heart() -> Heart:
    return Heart()
