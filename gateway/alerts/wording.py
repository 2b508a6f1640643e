"""What administrators are told of an incident: what failed, since when, how many wait, and the
remedy.

The remedy is a command and, where there is a console, the page on which the same is done.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import field

from gateway import frozen
from gateway.alerts.alert import PAGE, Alert, Seconds, Sentence, Word, counted, durations, say
from gateway.alerts.incidents import News
from gateway.errors import ErrorClass

__all__ = ["AlertFacts", "alert_of", "sentences"]

_FAILS, _WORKS = "⚠️", "✅"
_BEGINS = "%(system)s: %(error)s (%(detail)s), since %(since)s."
_GOES_ON = "%(system)s: %(error)s, %(number)s more in %(time)s, %(total)s in all since %(since)s."
_WORKS_AGAIN = "%(system)s works again after %(time)s;"
_CHECK = "If it lasts, run `python main.py check`: it says what is wrong."


@frozen
class _Area:
    """What waits for one that fails, before and after; and what follows from it."""

    waits: tuple[str, str]
    goes_out: tuple[str, str]
    follows: str
    page: str = "/admin"
    mends: str = _CHECK


_CHANNEL = _Area(
    ("%(number)s delivery waits.", "%(number)s deliveries wait."),
    (
        "%(number)s delivery that waited is going out.",
        "%(number)s deliveries that waited are going out.",
    ),
    "They are kept and sent again by themselves.",
)
_AREAS: Mapping[str, _Area] = {
    "shopify": _Area(
        ("%(number)s sign-up waits.", "%(number)s sign-ups wait."),
        (
            "%(number)s sign-up that waited is going out.",
            "%(number)s sign-ups that waited are going out.",
        ),
        "New sign-ups are answered 503 (202 with respond-async) until it works again.",
    ),
    "webhooks": _Area(
        ("%(number)s webhook waits.", "%(number)s webhooks wait."),
        (
            "%(number)s webhook that waited is being worked.",
            "%(number)s webhooks that waited are being worked.",
        ),
        "A change made elsewhere is not taken over; it is tried again at the next start.",
        mends="Look at the log, then restart it; `python main.py status` shows what waits.",
    ),
    "reconciliation": _Area(
        _CHANNEL.waits,
        _CHANNEL.goes_out,
        "What webhooks did not bring is found later; it goes on by itself in some minutes.",
    ),
    "registrations": _Area(
        ("%(number)s sign-up waits.", "%(number)s sign-ups wait."),
        (
            "%(number)s sign-up that waited is going out.",
            "%(number)s sign-ups that waited are going out.",
        ),
        "Its data is wiped: the customer has to sign up again.",
        mends="`python main.py status` says how many wait, and for what.",
    ),
    "points": _Area(
        (
            "%(number)s change of points waits.",
            "%(number)s changes of points wait.",
        ),
        (
            "%(number)s change of points that waited is going out.",
            "%(number)s changes of points that waited are going out.",
        ),
        "Points of orders are kept and go out by themselves, unless a person must decide.",
        page="/admin/points",
        mends="`python main.py points list` shows those, `python main.py points settle` ends them.",
    ),
}
_NOTHING_WAITED = "nothing waited for it."
_NOTHING_WAITS = "Nothing waits for it."
_HAVE_FAILED = ("%(number)s delivery has failed.", "%(number)s deliveries have failed.")
_MENDS: Mapping[ErrorClass, str] = {
    ErrorClass.AUTH: (
        "Its credentials are refused: put new ones into .env, and `python main.py check` proves "
        "them; what waits then goes by itself."
    ),
    ErrorClass.INVALID_DATA: (
        "It refuses some data: `python main.py deliveries summary` says why and what to mend; then "
        "`python main.py replay --channel %(channel)s --error-class %(class)s`."
    ),
    ErrorClass.CONFLICT: (
        "A person must decide: `python main.py deliveries list --channel %(channel)s --error-class "
        "%(class)s` shows them; put it right there, then `replay` with the same words."
    ),
    ErrorClass.TOO_LATE: (
        "Too old to be sent by themselves: `python main.py replay --channel %(channel)s "
        "--error-class %(class)s` sends them nevertheless, `deliveries discard` with the same "
        "words gives them up."
    ),
    ErrorClass.RATE_LIMIT: (
        "It limits our requests: they are slowed down and sent again. See `python main.py "
        "deliveries list --channel %(channel)s`."
    ),
}
_SYSTEMS: Mapping[str, str] = {
    "shopify": "Shopify",
    "webhooks": "Work of webhooks",
    "reconciliation": "The pass over both systems",
    "registrations": "Sign-ups answered 202",
    "points": "Points of orders",
    "crm": "HubSpot",
}
"""How those are called that are no channel, or whose vendor says more than the channel's title."""


async def _nothing() -> Mapping[str, int]:
    return {}


@frozen
class AlertFacts:
    """What is told beside an incident. `waiting()`: how much waits for each system, and under
    `{channel} failed` how much needs a person there. `console`: what stands before /admin in
    a link, "" where that is not known, None without a console. `titles`: of the channels.
    """

    waiting: Callable[[], Awaitable[Mapping[str, int]]] = _nothing
    console: Callable[[], str | None] = lambda: ""
    titles: Mapping[str, str] = field(default_factory=dict)

    def called(self, system: str) -> Word:
        return Word(_SYSTEMS.get(system) or self.titles.get(system, system))


def alert_of(news: News, facts: AlertFacts, waiting: Mapping[str, int], since: str) -> Alert:
    """`since`: the wall time of the beginning, in words."""
    area = _AREAS.get(news.system, _CHANNEL)
    named: dict[str, str | int | Word | Seconds] = {"system": facts.called(news.system)}
    if news.what == "ends":
        after = say(_WORKS_AGAIN, **named, time=Seconds(news.lasted))
        waited = counted(news.waited, *area.goes_out) if news.waited else say(_NOTHING_WAITED)
        return Alert(_WORKS, (after, waited))
    named |= {"error": Word(str(news.error_class)), "since": since}
    if news.what == "begins":
        told = say(_BEGINS, **named, detail=news.detail)
    else:
        named |= {"number": news.more, "time": Seconds(news.more_in), "total": news.total}
        told = say(_GOES_ON, **named)
    mend = tuple(_mend(news, area))
    return Alert(_FAILS, (told, *_number(news, area, waiting), *mend), _page(news, area))


def _number(news: News, area: _Area, waiting: Mapping[str, int]) -> Iterator[Sentence]:
    """How many wait, or need a person; nothing where it cannot be known now."""
    if news.system not in waiting:
        return
    if area is _CHANNEL and news.error_class.needs_a_person:
        yield counted(waiting.get(f"{news.system} failed", 0), *_HAVE_FAILED)
    elif number := waiting[news.system]:
        yield counted(number, *area.waits)
    else:
        yield say(_NOTHING_WAITS)


def _mend(news: News, area: _Area) -> Iterator[Sentence]:
    if news.error_class is ErrorClass.AUTH:
        if area is not _CHANNEL:
            yield say(area.follows)
        yield say(_MENDS[ErrorClass.AUTH])
    elif area is _CHANNEL and news.error_class in _MENDS:
        named = {"channel": news.system, "class": str(news.error_class)}
        yield say(_MENDS[news.error_class], **named)
    else:
        yield say(area.follows)
        yield say(area.mends)


def _page(news: News, area: _Area) -> str:
    if area is not _CHANNEL:
        return area.page
    if news.error_class.needs_a_person:
        return f"/admin/deliveries?channel={news.system}&error_class={news.error_class}"
    return f"/admin/deliveries?channel={news.system}"


def sentences() -> Iterator[str]:
    """The message ids of all that can be told of an incident."""
    yield from (_BEGINS, _GOES_ON, _WORKS_AGAIN, PAGE, _CHECK, _NOTHING_WAITED, _NOTHING_WAITS)
    for area in (_CHANNEL, *_AREAS.values()):
        yield from (*area.waits, *area.goes_out, area.follows, area.mends)
    yield from _HAVE_FAILED
    yield from _MENDS.values()
    yield from _SYSTEMS.values()
    yield from (str(each) for each in ErrorClass)
    yield from durations()
