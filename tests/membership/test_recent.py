"""One reading for all who ask, kept for a moment."""

import asyncio

import pytest

from gateway.membership.cache import RecentReads


class Source:
    """Reads when it is told to; `now` is the time."""

    def __init__(self, most: int = 100) -> None:
        self.now = 0.0
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.error: Exception | None = None
        self.recent = RecentReads(self.read, lambda: self.now, seconds=3, most=most)

    async def read(self, key: str) -> str | None:
        self.asked.append(key)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return None if key == "nobody" else f"{key} {len(self.asked)}"


async def test_many_who_ask_at_once_are_one_reading() -> None:
    source = Source()
    readers = [asyncio.ensure_future(source.recent.get("a")) for _ in range(50)]
    await asyncio.sleep(0)
    source.gate.set()
    found = await asyncio.gather(*readers)
    assert source.asked == ["a"]
    assert [how for how, _ in found] == ["read", *["shared"] * 49]
    assert {value for _, value in found} == {"a 1"}


async def test_who_goes_away_cancels_nobody() -> None:
    source = Source()
    first, second = (asyncio.ensure_future(source.recent.get("a")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    source.gate.set()
    assert await second == ("shared", "a 1")


@pytest.mark.parametrize("key", ["a", "nobody"])
async def test_a_value_is_kept_for_a_moment_from_when_it_was_asked_for(key: str) -> None:
    source = Source()
    first = asyncio.ensure_future(source.recent.get(key))
    await asyncio.sleep(0)
    source.now = 2.0  # it took two of its three seconds to come
    source.gate.set()
    await first
    assert (await source.recent.get(key))[0] == "cached"
    source.now = 3.0
    assert (await source.recent.get(key))[0] == "read"
    assert source.asked == [key, key]


async def test_an_error_reaches_everybody_who_waited_and_is_not_kept() -> None:
    source = Source()
    source.error = ValueError("broken")
    source.gate.set()
    failed = await asyncio.gather(
        *(source.recent.get("a") for _ in range(3)), return_exceptions=True
    )
    assert [str(error) for error in failed] == ["broken"] * 3
    source.error = None
    assert await source.recent.get("a") == ("read", "a 2")


async def test_what_is_kept_is_bounded_and_the_oldest_goes_first() -> None:
    source = Source(most=2)
    source.gate.set()
    for key in "abc":
        await source.recent.get(key)
    assert [(await source.recent.get(key))[0] for key in "bca"] == ["cached", "cached", "read"]


async def test_what_is_being_read_ends_with_the_gateway() -> None:
    source = Source()
    reader = asyncio.ensure_future(source.recent.get("a"))
    await asyncio.sleep(0)
    await source.recent.close()
    with pytest.raises(asyncio.CancelledError):
        await reader
