"""What administrators read: each kind of alert, each with what to do and where."""

import re
from collections.abc import Iterator

import pytest
from click import Context, Group

from gateway.alerts import Alert, AlertFacts, notices
from gateway.alerts.incidents import News
from gateway.alerts.wording import alert_of
from gateway.cli import gateway
from gateway.console.language import language_of
from gateway.errors import ErrorClass
from gateway.store import rewinding

FACTS = AlertFacts(titles={"smaregi": "Smaregi", "email": "Welcome mail"})
SYSTEMS = (
    *("shopify", "smaregi", "crm", "email", "webhooks"),
    *("reconciliation", "registrations", "points"),
)
WAITING = dict.fromkeys(SYSTEMS, 300) | {"crm failed": 1, "smaregi failed": 4, "email failed": 2}
SINCE = "2026-11-28 10:15:02 (UTC+0900)"


def told(what: str, system: str, error_class: ErrorClass, **more: float) -> Alert:
    news = News(what, system, error_class, 0.0, "create: HTTP 503", **more)  # type: ignore[arg-type]
    return alert_of(news, FACTS, WAITING, SINCE)


def incidents() -> Iterator[Alert]:
    for system in SYSTEMS:
        for error_class in ErrorClass:
            yield told("begins", system, error_class)
            yield told("goes on", system, error_class, more=9, more_in=300.0, total=10)


def all_notices() -> dict[str, Alert]:
    return {
        "another_system": notices.another_system("crm", "it is account 2 and was account 1"),
        "refused_from_till": notices.refused_from_till(7, "address"),
        "member_left": notices.member_left("12", 7, "withdrawn"),
        "nothing_erased": notices.nothing_erased(),
        "shop_erased": notices.shop_erased(),
        "cannot_believe_erasure": notices.cannot_believe_erasure(7),
        "too_many_gone": notices.too_many_gone(300),
        "data_asked_for": notices.data_asked_for(7),
        "put_back": notices.put_back(rewinding.LOST, 3, 1),
        "two_members": notices.two_members(),
        "made_at_till": notices.made_at_till(2),
        "set_otherwise": notices.set_otherwise("b.example.com"),
    }


EVERY = [*incidents(), *all_notices().values()]


def test_every_notice_is_listed_here() -> None:
    made = {name for name in notices.__all__ if name != "sentences"}
    assert made == all_notices().keys()


def commands(group: Group, before: str = "") -> Iterator[str]:
    """Every command of the program, those of groups with the group's name before."""
    context = Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield before + name
        if isinstance(command, Group):
            yield from commands(command, f"{before}{name} ")


def test_every_alert_names_a_command_that_there_is_and_a_page_of_the_console() -> None:
    there = set(commands(gateway))
    for text in map(Alert.told, EVERY):
        named = re.findall(r"`python main\.py ([a-z]+)(?: ([a-z]+))?", text)
        assert named, text
        assert [c for c in named if not {c[0], " ".join(c)} & there] == [], text
        assert re.search(r" Console: /admin(/deliveries\?channel=\w+|/people/7|/duplicates)?", text)
        assert "%(" not in text


def test_every_alert_is_told_in_japanese_too() -> None:
    japanese = language_of("ja", "").text
    for alert in EVERY:
        for sentence in alert.sentences:
            assert japanese(sentence.message) != sentence.message
        told = alert.told(japanese)
        assert "%(" not in told
        assert re.findall(r"`[^`]+`", told) == re.findall(r"`[^`]+`", alert.told())


def test_a_failure_says_since_when_and_how_many_wait() -> None:
    text = told("begins", "crm", ErrorClass.UNAVAILABLE).told()
    assert text.startswith("⚠️ HubSpot: unavailable (create: HTTP 503), since 2026-11-28 10:15:02")
    assert "300 deliveries wait." in text
    assert "`python main.py check`" in text
    assert text.endswith("Console: /admin/deliveries?channel=crm")
    refused = told("begins", "crm", ErrorClass.INVALID_DATA).told()
    assert "1 delivery has failed." in refused
    assert "replay --channel crm --error-class invalid_data" in refused
    assert "300 sign-ups wait." in told("begins", "shopify", ErrorClass.AUTH).told()


def test_a_digest_says_how_often_it_failed() -> None:
    text = told("goes on", "crm", ErrorClass.TIMEOUT, more=999, more_in=300.0, total=1000).told()
    assert "HubSpot: timeout, 999 more in 5 min 0 s, 1000 in all since 2026-11-28" in text


@pytest.mark.parametrize(
    ("lasted", "waited", "words"),
    [
        (77.0, 300, "after 1 min 17 s; 300 deliveries that waited are going out."),
        (4.0, 1, "after 4 s; 1 delivery that waited is going out."),
        (7384.0, 0, "after 2 h 3 min; nothing waited for it."),
    ],
)
def test_a_recovery_is_told_in_words(lasted: float, waited: int, words: str) -> None:
    news = News("ends", "crm", ErrorClass.TIMEOUT, 0.0, lasted=lasted, waited=waited)
    assert alert_of(news, FACTS, {}, SINCE).told() == f"✅ HubSpot works again {words}"


def test_where_the_database_does_not_answer_the_alert_is_told_without_a_number() -> None:
    news = News("begins", "crm", ErrorClass.TIMEOUT, 0.0, "x")
    text = alert_of(news, FACTS, {}, SINCE).told()
    assert "wait." not in text
    assert "sent again by themselves" in text
