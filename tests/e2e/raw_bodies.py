"""Bodies as bytes, and how a test sees that nothing came of them."""

from tests.e2e.evidence import rows_in
from tests.world import Reply, World

__all__ = ["assert_nothing_happened", "send"]


async def send(
    world: World, body: bytes, content_type: str | None = "application/json", **headers: str
) -> Reply:
    """A body as it is, not made from a value."""
    skip = () if content_type else ("Content-Type",)
    given = headers | ({"Content-Type": content_type} if content_type else {})
    url = world.url + "/v1/registrations"
    async with world.session.post(
        url, data=body, headers=given, skip_auto_headers=skip
    ) as response:
        return await Reply.of(response)


async def assert_nothing_happened(world: World) -> None:
    """No system was asked for anything, and nothing of the sign-up is in our tables."""
    await world.settled()
    assert list(world.sandbox.journal) == []
    for table in ("registrations", "intents", "deliveries", "idempotency_keys"):
        assert await rows_in(world, table) == 0, table
