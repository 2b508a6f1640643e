"""Nothing blocks the event loop while a registration is under way."""

from blockbuster import blockbuster_ctx

from tests.world import World


async def test_a_whole_registration_never_blocks_the_event_loop(world: World) -> None:
    await world.register(number=1)  # templates and code pages are loaded by then
    with blockbuster_ctx("gateway") as watched:
        # One look at the file's identity for a group of commits: a stat of a local file.
        watched.functions["os.stat"].can_block_in("gateway/store/database.py", "_identity")
        reply = await world.register(number=2)
        await world.settled()
    assert reply.status == 201
    assert reply.body["status"] == "complete", reply.body
