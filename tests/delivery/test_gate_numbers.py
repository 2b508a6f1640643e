"""The gate's numbers: after how many failures, for how long, how wide."""

import asyncio

import pytest

from gateway.delivery import CircuitBreaker, CircuitState
from gateway.errors import ErrorClass, IdentityError, UpstreamError


class At:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def error(kind: ErrorClass = ErrorClass.TIMEOUT, after: float | None = None) -> UpstreamError:
    return UpstreamError("crm", "x", kind, "y", retry_after=after)


@pytest.fixture
def at() -> At:
    return At()


@pytest.fixture
def circuit(at: At) -> CircuitBreaker:
    return CircuitBreaker("crm", at)


def fail(circuit: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        circuit.failed(error())


async def shut(circuit: CircuitBreaker) -> bool:
    return await circuit.admit() is CircuitState.OPEN


async def test_a_new_gate_is_open_and_wide(circuit: CircuitBreaker) -> None:
    assert (circuit.channel, circuit.cause, circuit.reason, circuit.window) == ("crm", None, "", 64)
    assert (circuit.remaining(), circuit.paused_for, circuit.recoveries) == (0.0, 0.0, 0)
    assert circuit.upstream_reason is None


async def test_how_long_it_is_shut_counts_from_what_shut_it_through_all_probes(
    circuit: CircuitBreaker, at: At
) -> None:
    for _ in range(2):
        at.now += 100.0
        fail(circuit, 5)
        assert circuit.paused_for == 0.0
        at.now += 5.0
        await circuit.admit()
        circuit.failed(UpstreamError("crm", "x", ErrorClass.AUTH, "y", reason="REVOKED"))
        at.now += 2.0
        assert (circuit.paused_for, circuit.upstream_reason) == (7.0, "REVOKED")
        assert circuit.reason == "its credentials are refused", "only an identity says which"
        await circuit.admit(person=True)
        circuit.succeeded()
        assert circuit.paused_for == 0.0


async def test_each_success_begins_the_count_anew(circuit: CircuitBreaker) -> None:
    for _ in range(3):
        fail(circuit, 4)
        assert not await shut(circuit)
        assert circuit.succeeded() is False
    fail(circuit, 5)
    assert await shut(circuit)
    assert (circuit.window, circuit.reason) == (1, "it keeps failing")


async def test_after_a_recovery_the_count_and_the_pause_begin_anew(
    circuit: CircuitBreaker, at: At
) -> None:
    fail(circuit, 5)
    for pause in (5.0, 10.0):
        assert circuit.remaining() == pause
        at.now += pause
        assert await circuit.admit() is CircuitState.HALF_OPEN
        circuit.failed(error())
    at.now += 20.0
    await circuit.admit()
    assert circuit.succeeded() is True
    fail(circuit, 4)
    assert not await shut(circuit)
    fail(circuit, 1)
    assert circuit.remaining() == 5.0


async def test_a_probe_that_fails_doubles_the_pause_up_to_a_minute(
    circuit: CircuitBreaker, at: At
) -> None:
    fail(circuit, 5)
    pauses = []
    for _ in range(6):
        pauses.append(circuit.remaining())
        at.now += circuit.remaining()
        await circuit.admit()
        fail(circuit, 1)
    assert pauses == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]


async def test_what_was_under_way_when_it_shut_makes_the_pause_no_longer(
    circuit: CircuitBreaker, at: At
) -> None:
    fail(circuit, 5)
    at.now += 1.0
    fail(circuit, 20)
    assert circuit.remaining() == 4.0
    at.now += 10.0
    assert circuit.remaining() == 0.0


@pytest.mark.parametrize(("after", "is_shut"), [(2.0, True), (1.9, False), (None, False)])
@pytest.mark.parametrize("kind", [ErrorClass.RATE_LIMIT, ErrorClass.UNAVAILABLE])
async def test_a_pause_of_two_seconds_is_the_whole_channels(
    circuit: CircuitBreaker, kind: ErrorClass, after: float | None, is_shut: bool
) -> None:
    circuit.failed(error(kind, after))
    assert await shut(circuit) is is_shut
    assert circuit.remaining() == (2.0 if is_shut else 0.0)


async def test_only_those_two_ask_the_whole_channel_to_wait(circuit: CircuitBreaker) -> None:
    circuit.failed(error(ErrorClass.TIMEOUT, 60.0))
    assert not await shut(circuit)


async def test_the_window_doubles_with_each_success_up_to_its_width(at: At) -> None:
    circuit = CircuitBreaker("crm", at, 10)
    fail(circuit, 5)
    await circuit.admit(person=True)
    circuit.succeeded()
    widths = [circuit.window]
    for _ in range(6):
        circuit.succeeded()
        widths.append(circuit.window)
    assert widths == [1, 2, 4, 8, 10, 10, 10]


async def test_new_credentials_let_attempts_show_whether_it_is_mended(
    circuit: CircuitBreaker,
) -> None:
    circuit.failed(error(ErrorClass.AUTH))
    assert circuit.reason == "its credentials are refused"
    circuit.half_open()
    assert (circuit.cause, circuit.window, circuit.remaining()) == (None, 1, 0.0)
    assert circuit.recoveries == 1
    circuit.half_open()
    assert circuit.recoveries == 1, "the second time nothing was shut"
    fail(circuit, 4)
    assert not await shut(circuit)
    fail(circuit, 1)
    assert await shut(circuit)


async def test_another_identity_says_which(circuit: CircuitBreaker) -> None:
    circuit.failed(IdentityError("crm", "x", "another account"))
    assert (circuit.cause, circuit.reason) == (ErrorClass.AUTH, "another account")


async def test_a_person_waits_for_the_probe_that_is_under_way(
    circuit: CircuitBreaker, at: At
) -> None:
    fail(circuit, 5)
    at.now += 5.0
    assert await circuit.admit() is CircuitState.HALF_OPEN
    person = asyncio.create_task(circuit.admit(person=True))
    await asyncio.sleep(0)
    assert not person.done()
    circuit.failed(error())
    assert await person is CircuitState.OPEN, "the probe has said it"
    at.now += 5.0
    assert await circuit.admit(person=True) is CircuitState.HALF_OPEN
    person = asyncio.create_task(circuit.admit(person=True))
    await asyncio.sleep(0)
    circuit.succeeded()
    assert await person is CircuitState.CLOSED


async def test_just_at_its_time_a_probe_may_go(circuit: CircuitBreaker, at: At) -> None:
    fail(circuit, 5)
    at.now += 4.99
    assert await shut(circuit)
    at.now += 0.01
    assert await circuit.admit() is CircuitState.HALF_OPEN


async def test_a_refusal_while_it_is_open_changes_nothing(circuit: CircuitBreaker) -> None:
    circuit.window = 3
    circuit.failed(error(ErrorClass.CONFLICT))
    assert (circuit.window, circuit.cause) == (3, None)


async def test_a_probe_that_is_given_back_is_another_ones(circuit: CircuitBreaker, at: At) -> None:
    fail(circuit, 5)
    at.now += 5.0
    await circuit.admit()
    circuit.abandon()
    circuit.abandon()
    assert await circuit.admit() is CircuitState.HALF_OPEN
