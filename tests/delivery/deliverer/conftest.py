"""The heart, for the tests of the deliverer."""

import pytest

from tests.delivery.heart import Heart


@pytest.fixture
async def heart() -> Heart:
    return Heart()
