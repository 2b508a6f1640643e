"""What is worth telling, and when."""

import pytest

from gateway.alerts.incidents import CALM, DIGEST_AFTER, Incidents, News
from gateway.errors import ErrorClass


def failures(incidents: Incidents, count: int, now: float, system: str = "crm") -> list[News]:
    told: list[News] = []
    for _ in range(count):
        told += incidents.failed(system, ErrorClass.TIMEOUT, "create contact: no answer", now)
    return told


def test_the_first_failure_of_a_kind_is_told_at_once() -> None:
    incidents = Incidents()
    (news,) = incidents.failed("crm", ErrorClass.AUTH, "create contact: HTTP 401", 0.0)
    assert (news.what, news.system, news.error_class) == ("begins", "crm", ErrorClass.AUTH)
    assert news.detail == "create contact: HTTP 401"


@pytest.mark.parametrize(
    ("system", "kind"), [("crm", ErrorClass.TIMEOUT), ("smaregi", ErrorClass.AUTH)]
)
def test_another_kind_is_another_incident(system: str, kind: ErrorClass) -> None:
    incidents = Incidents()
    incidents.failed("crm", ErrorClass.AUTH, "x", 0.0)
    assert len(incidents.failed(system, kind, "x", 1.0)) == 1


def test_what_follows_is_one_digest_with_counts() -> None:
    incidents = Incidents()
    assert len(failures(incidents, 1000, 0.0)) == 1
    assert incidents.tick(DIGEST_AFTER - 1) == []
    (digest,) = incidents.tick(DIGEST_AFTER)
    assert (digest.more, digest.total, digest.more_in) == (999, 1000, DIGEST_AFTER)
    assert incidents.tick(10 * DIGEST_AFTER) == [], "nothing new, nothing to tell"


def test_a_thousand_failures_are_not_a_thousand_messages() -> None:
    incidents = Incidents()
    told = 0
    for second in range(3600):
        told += len(failures(incidents, 1, float(second)))
        told += len(incidents.tick(float(second)))
    assert told <= 1 + 3600 / DIGEST_AFTER


def test_recovery_is_told_once_after_it_has_been_calm() -> None:
    incidents = Incidents()
    failures(incidents, 3, 0.0)
    incidents.worked("crm", 1.0)
    assert incidents.tick(CALM - 1) == []
    (news,) = incidents.tick(CALM)
    assert (news.what, news.total) == ("ends", 3)
    assert incidents.tick(CALM * 100) == []


def test_a_recovery_tells_how_long_it_lasted_and_how_much_waited() -> None:
    incidents = Incidents()
    for second in range(0, 70, 10):
        failures(incidents, 1, float(second))
    incidents.wait({"crm": 300, "smaregi": 5})
    incidents.worked("crm", 77.0)
    incidents.wait({"crm": 12})  # they are going out
    incidents.worked("crm", 90.0)
    (news,) = incidents.tick(60.0 + CALM)
    assert (news.lasted, news.waited) == (77.0, 300)


def test_a_system_that_failed_in_two_ways_recovers_once() -> None:
    incidents = Incidents()
    failures(incidents, 1, 0.0)
    incidents.failed("crm", ErrorClass.UNAVAILABLE, "x", 20.0)
    incidents.worked("crm", 40.0)
    assert incidents.tick(CALM) == [], "the second is not calm for long enough"
    (news,) = incidents.tick(20.0 + CALM)
    assert (news.lasted, news.total) == (40.0, 2)
    assert not incidents.is_any


def test_a_system_that_only_stays_silent_has_not_recovered() -> None:
    incidents = Incidents()
    failures(incidents, 1, 0.0)
    incidents.worked("smaregi", 0.0)
    assert incidents.tick(CALM * 2) == []


def test_a_flapping_system_does_not_send_a_message_a_flap() -> None:
    incidents = Incidents()
    told = 0
    for second in range(0, 3600, 10):
        told += len(failures(incidents, 1, float(second)))
        incidents.worked("crm", 0.0)
        told += len(incidents.tick(second + 5.0))
    assert told <= 2 + 3600 / DIGEST_AFTER


def test_a_new_failure_after_a_recovery_is_told_at_once() -> None:
    incidents = Incidents()
    failures(incidents, 1, 0.0)
    incidents.worked("crm", 0.0)
    incidents.tick(CALM)
    assert len(failures(incidents, 1, CALM + 1)) == 1


def test_refused_data_is_no_outage_that_could_recover() -> None:
    incidents = Incidents()
    incidents.failed("crm", ErrorClass.INVALID_DATA, "x", 0.0)
    incidents.worked("crm", 0.0)
    assert incidents.tick(CALM + 1) == []
