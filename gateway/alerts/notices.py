"""What administrators are told that is no failure of a system: a person has to know, or to decide.

Each says what happened, and the command and the console's page to go to.
"""

from collections.abc import Iterator

from gateway.alerts.alert import Alert, Word, counted, say
from gateway.store.rewinding import REASONS

__all__ = [
    "another_system",
    "cannot_believe_erasure",
    "data_asked_for",
    "made_at_till",
    "member_left",
    "nothing_erased",
    "put_back",
    "refused_from_till",
    "sentences",
    "set_otherwise",
    "shop_erased",
    "too_many_gone",
    "two_members",
]

_WARNING, _PEOPLE, _NOTE = "⚠️", "👥", "📌"
LEFT = ("withdrawn", "merged into another", "deleted")
"""How a store member may leave."""

_ANOTHER = "%(reason)s. `python main.py check` compares the settings with what is there."
_REFUSED = (
    "Shopify does not take what was changed at the till for customer %(customer)s: %(fields)s. The "
    "till keeps it; change it in either system. `python main.py deliveries list --customer "
    "%(customer)s` shows what was sent since."
)
_LEFT = (
    "The store member %(member)s of customer %(customer)s was %(how)s at the till. The link stays, "
    "and changes of the customer end as a conflict: `python main.py duplicates unlink "
    "%(customer)s`, or bring the member back."
)
_STILL_INSTALLED = (
    "Shopify asked to erase the shop's data, as after an uninstallation, but the app is installed: "
    "nothing was erased. `python main.py check` shows whether the shop is reached."
)
_ERASED = (
    "Shopify had the shop's data erased: the gateway has wiped all that it held. `python main.py "
    "status` shows that nothing is left."
)
_EXISTS = (
    "Shopify orders to erase customer %(customer)s, whom it has still. Nothing is erased before "
    "somebody says so: look at the customer in Shopify, then `python main.py removals confirm --id "
    "%(customer)s` or `python main.py removals drop --id %(customer)s`."
)
_LAW = "Orders to erase have to be carried out within 30 days."
_ONE_HELD = "%(number)s linked customer seems gone from Shopify, or is to be erased."
_MANY_HELD = (
    "%(number)s linked customers seem gone from Shopify, or are to be erased, at once: too many to "
    "be believed."
)
_DECIDE = (
    "Nothing of them is removed from any other system. Look at the shop, the app's token and "
    "`python main.py removals list`; then `python main.py removals confirm` removes them, `python "
    "main.py removals drop` keeps them."
)
_ASKED = (
    "Shopify passes on a customer's request for their data (customer %(customer)s). The gateway "
    "holds ids and outcomes only; the data itself is in Shopify, Smaregi and the CRM. Answer "
    "within 30 days. `python main.py privacy show %(customer)s` shows all of it."
)
_TWO_MEMBERS = (
    "Two customers were merged in Shopify, and each has a store member: the survivor's stays "
    "linked, for the other see `python main.py duplicates list`."
)
_ONE_AT_TILL = (
    "%(number)s store member has the e-mail of an online customer who is linked to another member: "
    "see `python main.py duplicates list`."
)
_MANY_AT_TILL = (
    "%(number)s store members have the e-mail of an online customer who is linked to another "
    "member: see `python main.py duplicates list`."
)
_PUT_BACK = (
    "The database was put back to an older state: %(reason)s. What may have been done since is not "
    "done again by itself: %(mails)s open mails go only if somebody names them (`python main.py "
    "replay --error-class too_late`), and %(merges)s merges of members wait for somebody who "
    "compares the points. 'After a restore' in gateway/docs/operating.md says what else to do."
)
_OTHERWISE = (
    "The settings or flags of the gateway on %(hosts)s differ from those of the active one, so "
    "what it does will change when it becomes active. Compare .env and `python main.py flags` on "
    "both."
)
_PAIRS = "/admin/duplicates"
_START = "/admin"


def another_system(system: str, reason: str) -> Alert:
    """`reason`: which it was and which it is now, and what to do about it."""
    return Alert(_WARNING, (say(_ANOTHER, reason=f"{system}: {reason}"),), _START)


def refused_from_till(customer_id: int, fields: str) -> Alert:
    told = say(_REFUSED, customer=customer_id, fields=fields)
    return Alert(_WARNING, (told,), _person(customer_id))


def member_left(member: str, customer_id: int, how: str) -> Alert:
    """`how`: a word of `LEFT`."""
    told = say(_LEFT, member=member, customer=customer_id, how=Word(how))
    return Alert(_PEOPLE, (told,), _person(customer_id))


def nothing_erased() -> Alert:
    return Alert(_WARNING, (say(_STILL_INSTALLED),), _START)


def shop_erased() -> Alert:
    return Alert(_NOTE, (say(_ERASED),), _START)


def cannot_believe_erasure(customer_id: int) -> Alert:
    told = say(_EXISTS, customer=customer_id)
    return Alert(_WARNING, (told, say(_LAW)), _person(customer_id))


def too_many_gone(number: int) -> Alert:
    gone = counted(number, _ONE_HELD, _MANY_HELD)
    return Alert(_WARNING, (gone, say(_DECIDE), say(_LAW)), _START)


def data_asked_for(customer_id: int | None) -> Alert:
    known = customer_id or 0
    return Alert(_NOTE, (say(_ASKED, customer=known),), _person(known))


def put_back(reason: str, mails: int, merges: int) -> Alert:
    """`reason`: one of `store.rewinding.REASONS`."""
    told = say(_PUT_BACK, reason=Word(reason), mails=mails, merges=merges)
    return Alert(_WARNING, (told,), _START)


def two_members() -> Alert:
    return Alert(_PEOPLE, (say(_TWO_MEMBERS),), _PAIRS)


def made_at_till(number: int) -> Alert:
    return Alert(_PEOPLE, (counted(number, _ONE_AT_TILL, _MANY_AT_TILL),), _PAIRS)


def set_otherwise(hosts: str) -> Alert:
    return Alert(_WARNING, (say(_OTHERWISE, hosts=hosts),), _START)


def _person(customer_id: int) -> str:
    return f"/admin/people/{customer_id}"


def sentences() -> Iterator[str]:
    """The message ids of all of them."""
    yield from (_ANOTHER, _REFUSED, _LEFT, _STILL_INSTALLED, _ERASED, _EXISTS, _LAW, _DECIDE)
    yield from (_PUT_BACK, *REASONS)
    yield _OTHERWISE
    yield from (_ASKED, _TWO_MEMBERS, _ONE_HELD, _MANY_HELD, _ONE_AT_TILL, _MANY_AT_TILL, *LEFT)
