"""The circuit breaker of a channel."""

import asyncio

import pytest

from gateway.delivery import CircuitBreaker
from gateway.delivery.circuit import CircuitState
from gateway.errors import About, ErrorClass, UpstreamError

BREAKING = [ErrorClass.CONNECTION, ErrorClass.TIMEOUT, ErrorClass.UNAVAILABLE]


class Channel:
    """A gate with a clock of its own."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.circuit = CircuitBreaker("crm", lambda: self.now)

    def fail(
        self, kind: ErrorClass = ErrorClass.TIMEOUT, times: int = 1, after: float | None = None
    ) -> None:
        for _ in range(times):
            self.circuit.failed(UpstreamError("crm", "x", kind, "y", retry_after=after))


@pytest.fixture
def channel() -> Channel:
    return Channel()


@pytest.mark.parametrize("kind", BREAKING)
async def test_the_circuit_opens_after_five_passing_failures(
    channel: Channel, kind: ErrorClass
) -> None:
    channel.fail(kind, 4)
    assert await channel.circuit.admit() is CircuitState.CLOSED
    channel.fail(kind)
    assert await channel.circuit.admit() is CircuitState.OPEN
    assert channel.circuit.cause is kind


async def test_a_success_in_between_keeps_it_closed(channel: Channel) -> None:
    for _ in range(10):
        channel.fail(times=4)
        channel.circuit.succeeded()
    assert await channel.circuit.admit() is CircuitState.CLOSED


@pytest.mark.parametrize("kind", [ErrorClass.INVALID_DATA, ErrorClass.CONFLICT])
async def test_one_customers_trouble_is_not_the_channels(
    channel: Channel, kind: ErrorClass
) -> None:
    channel.fail(kind, 50)
    assert await channel.circuit.admit() is CircuitState.CLOSED


async def test_what_is_about_one_customer_never_opens_the_circuit(channel: Channel) -> None:
    for kind in ErrorClass:
        if kind is not ErrorClass.AUTH:
            error = UpstreamError("email", "x", kind, "y", about=About.CUSTOMER)
            for _ in range(10):
                channel.circuit.failed(error)
    assert await channel.circuit.admit() is CircuitState.CLOSED


async def test_a_probe_that_is_refused_for_its_customer_alone_has_found_the_channel(
    channel: Channel,
) -> None:
    channel.fail(ErrorClass.UNAVAILABLE, 5)
    assert await channel.circuit.admit(person=True) is CircuitState.HALF_OPEN
    kind, whom = ErrorClass.UNAVAILABLE, About.CUSTOMER
    channel.circuit.failed(UpstreamError("email", "x", kind, "y", about=whom))
    assert await channel.circuit.admit() is CircuitState.CLOSED


async def test_a_refusal_of_all_alike_opens_it_whatever_its_class(channel: Channel) -> None:
    for _ in range(5):
        error = UpstreamError("email", "x", ErrorClass.INVALID_DATA, "y", about=About.SYSTEM)
        channel.circuit.failed(error)
    assert await channel.circuit.admit() is CircuitState.OPEN


async def test_one_probe_tests_the_water(channel: Channel) -> None:
    channel.fail(times=5)
    channel.now += channel.circuit.remaining()
    assert await channel.circuit.admit() is CircuitState.HALF_OPEN
    assert await channel.circuit.admit() is CircuitState.OPEN
    assert channel.circuit.succeeded() is True
    assert await channel.circuit.admit() is CircuitState.CLOSED


async def test_a_failed_probe_shuts_it_for_longer_up_to_a_minute(channel: Channel) -> None:
    channel.fail(times=5)
    pauses = []
    for _ in range(8):
        pauses.append(channel.circuit.remaining())
        channel.now += channel.circuit.remaining()
        assert await channel.circuit.admit() is CircuitState.HALF_OPEN
        channel.fail()
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (5.0, 60.0)


async def test_a_refusal_of_one_customer_proves_that_the_channel_answers(
    channel: Channel,
) -> None:
    channel.fail(times=5)
    channel.now += 5
    assert await channel.circuit.admit() is CircuitState.HALF_OPEN
    channel.fail(ErrorClass.INVALID_DATA)
    assert await channel.circuit.admit() is CircuitState.CLOSED


async def test_refused_credentials_shut_it_at_once_with_a_probe_every_ten_seconds(
    channel: Channel,
) -> None:
    channel.fail(ErrorClass.AUTH)
    for _ in range(5):
        assert channel.circuit.cause is ErrorClass.AUTH
        assert channel.circuit.remaining() == pytest.approx(10.0)
        assert await channel.circuit.admit() is CircuitState.OPEN
        channel.now += 10.0
        assert await channel.circuit.admit() is CircuitState.HALF_OPEN
        channel.fail(ErrorClass.AUTH)


@pytest.mark.parametrize("kind", [ErrorClass.RATE_LIMIT, ErrorClass.UNAVAILABLE])
@pytest.mark.parametrize(("asked", "shut"), [(80000.0, 80000.0), (10.0**9, 86400.0)])
async def test_who_asks_to_wait_is_left_alone_for_that_long_and_a_day_at_most(
    channel: Channel, kind: ErrorClass, asked: float, shut: float
) -> None:
    channel.fail(kind, after=asked)
    assert (channel.circuit.cause, channel.circuit.remaining()) == (kind, shut)
    assert await channel.circuit.admit() is CircuitState.OPEN


async def test_a_person_probes_at_once(channel: Channel) -> None:
    channel.fail(ErrorClass.AUTH)
    assert await channel.circuit.admit() is CircuitState.OPEN
    assert await channel.circuit.admit(person=True) is CircuitState.HALF_OPEN


async def test_a_person_waits_for_the_probe_under_way_and_goes_by_it(channel: Channel) -> None:
    channel.fail(ErrorClass.AUTH)
    assert await channel.circuit.admit(person=True) is CircuitState.HALF_OPEN
    others = [asyncio.create_task(channel.circuit.admit(person=True)) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(other.done() for other in others)
    channel.circuit.succeeded()
    assert await asyncio.gather(*others) == [CircuitState.CLOSED] * 3


async def test_after_a_failed_probe_those_who_waited_do_not_try_one_by_one(
    channel: Channel,
) -> None:
    channel.fail(ErrorClass.AUTH)
    await channel.circuit.admit(person=True)
    others = [asyncio.create_task(channel.circuit.admit(person=True)) for _ in range(3)]
    await asyncio.sleep(0)
    channel.fail(ErrorClass.AUTH)
    assert await asyncio.gather(*others) == [CircuitState.OPEN] * 3


async def test_a_probe_that_never_reached_the_channel_is_free_again(channel: Channel) -> None:
    channel.fail(times=5)
    channel.now += 5
    assert await channel.circuit.admit() is CircuitState.HALF_OPEN
    channel.circuit.abandon()
    assert await channel.circuit.admit() is CircuitState.HALF_OPEN


async def test_new_credentials_are_tried_at_once(channel: Channel) -> None:
    channel.fail(ErrorClass.AUTH)
    channel.circuit.half_open()
    assert await channel.circuit.admit() in {CircuitState.CLOSED, CircuitState.HALF_OPEN}


@pytest.mark.parametrize(
    ("asked", "pause"), [(None, 0.0), (1.0, 0.0), (3600.0, 3600.0), (10.0**9, 86400.0)]
)
async def test_a_daily_limit_pauses_the_channel_until_its_reset(
    channel: Channel, asked: float | None, pause: float
) -> None:
    channel.fail(ErrorClass.RATE_LIMIT, after=asked)
    assert channel.circuit.remaining() == pytest.approx(pause)


async def test_the_backlog_drains_at_a_rising_rate(channel: Channel) -> None:
    widest = channel.circuit.window
    channel.fail(times=5)
    windows = []
    for _ in range(8):
        channel.circuit.succeeded()
        windows.append(channel.circuit.window)
    assert windows == sorted(windows)
    assert (windows[0], windows[-1]) == (1, widest)


async def test_a_gate_counts_how_often_it_opened_again(channel: Channel) -> None:
    channel.fail(times=5)
    assert channel.circuit.recoveries == 0
    channel.circuit.half_open()
    channel.circuit.half_open()
    assert channel.circuit.recoveries == 1
    channel.fail(times=5)
    channel.now += 60
    assert await channel.circuit.admit() is CircuitState.HALF_OPEN
    assert channel.circuit.succeeded()
    assert channel.circuit.recoveries == 2
