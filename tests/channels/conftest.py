"""A mailbox and the e-mail channel before it."""

from collections.abc import AsyncIterator

import pytest

from tests.channels.post import Post, a_post


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with a_post() as made:
        yield made
