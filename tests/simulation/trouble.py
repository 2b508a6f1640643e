"""What goes wrong in a run: the network, the disk, the process, the clock, in any mixture."""

import asyncio

from tests.simulation.world import World

__all__ = ["some"]

_SYSTEMS = ("shopify", "smaregi", "crm", "email")


async def some(world: World, seconds: float, *, clock: bool = False) -> None:
    """For `seconds`; which troubles there are is drawn for each run, so that many have few."""
    dice = world.dice
    troubles = [_weather(world, seconds)]
    if dice.random() < 0.5:
        troubles.append(_kills(world, seconds))
    if dice.random() < 0.3:
        troubles.append(_full_disk(world, seconds))
    if clock and dice.random() < 0.5:
        troubles.append(_clock(world, seconds))
    if dice.random() < 0.3:
        world.disk.stall, world.disk.stalled = 0.1, dice.choice((0.05, 0.5, 3.0))
    await asyncio.gather(*troubles)


async def _weather(world: World, seconds: float) -> None:
    dice = world.dice
    rough = dice.choice(_SYSTEMS), dice.choice(_SYSTEMS), "shopify"
    spells = dice.randint(1, 3)
    for _ in range(spells):
        world.weather.rough = {system: dice.choice((0.0, 0.1, 0.3, 0.8)) for system in rough}
        await asyncio.sleep(dice.uniform(0.2, 1.8) * seconds / spells)
        world.weather.calm()
        await asyncio.sleep(dice.uniform(0.0, 1.0))


async def _kills(world: World, seconds: float) -> None:
    dice = world.dice
    for _ in range(dice.randint(1, 3)):
        await asyncio.sleep(dice.uniform(0.0, seconds))
        world.kill()
        await asyncio.sleep(dice.choice((0.0, 1.0)) * dice.random())
        await world.start()


async def _full_disk(world: World, seconds: float) -> None:
    dice = world.dice
    for _ in range(dice.randint(1, 2)):
        await asyncio.sleep(dice.uniform(0.0, seconds))
        world.disk.full = True
        await asyncio.sleep(dice.choice((0.005, 0.2, 3.0)) * dice.random())
        world.disk.full = False


async def _clock(world: World, seconds: float) -> None:
    dice = world.dice
    await asyncio.sleep(dice.uniform(0.0, seconds))
    world.ahead += dice.choice((-3600.0, 3600.0, -86400.0, 86000.0))
    world.say(f"the clock is {world.ahead} ahead")
