"""Reads HubSpot's answers without repeating what they quote."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import orjson

from gateway import frozen
from gateway.errors import ErrorClass, UpstreamError
from gateway.wire import UpstreamAnswer

__all__ = ["Contact", "contact", "properties", "rate_limited", "refused", "trouble"]

DAILY_PROBE = 60.0
"""Seconds between two looks whether the day's limit is over, where HubSpot does not say when."""
_PASSING = {408: ErrorClass.TIMEOUT, 425: ErrorClass.UNAVAILABLE, 477: ErrorClass.UNAVAILABLE}
"""477: the account is being moved to another data center, `Retry-After` is up to a day. 425: too
early, try again. HubSpot documents both as passing.
"""
_UNCERTAIN = {408, 409, 425, 429, 477}
"""Of 4xx these do not prove that nothing was written."""
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,59}")
_IS_THERE = re.compile(r"UNIQUE|DUPLICATE|CONFLICT|ALREADY")
"""In the code of a 400: another contact has this value."""


@frozen
class Contact:
    """`owner`: the Shopify customer id that it carries; '' where it has none."""

    id: str
    owner: str = ""


def contact(answer: UpstreamAnswer) -> Contact:
    body = _object(answer)
    if not body.get("id"):
        raise answer.error(ErrorClass.UNEXPECTED, "the answer is not a contact")
    named = body.get("properties")
    owner = named.get("shopify_customer_id") if isinstance(named, dict) else None
    return Contact(str(body["id"]), str(owner or "").strip())


def properties(answer: UpstreamAnswer) -> dict[str, bool]:
    """The names of a list of properties, and whether each is unique (also where nothing is said:
    a look-up by one that is not shows it).
    """
    try:
        rows = answer.json()["results"]
        return {str(row["name"]): row.get("hasUniqueValue") is not False for row in rows}
    except (KeyError, TypeError, AttributeError):
        detail = "the answer is not a list of properties"
        raise answer.error(ErrorClass.UNEXPECTED, detail) from None


def trouble(answer: UpstreamAnswer) -> UpstreamError | None:
    """The error if it is about the account, token or moment; None if about the customer."""
    if answer.status == 429:
        return rate_limited(answer)
    passing = _PASSING.get(answer.status)
    if passing or answer.status in {401, 403} or answer.status >= 500:
        return _error(answer, passing, f"HTTP {answer.status}")
    return None


def rate_limited(answer: UpstreamAnswer) -> UpstreamError:
    policy = str(_object(answer).get("policyName") or "")
    if not _WORD.fullmatch(policy):
        policy = ""
    error = _error(answer, ErrorClass.RATE_LIMIT, f"HTTP 429 {policy}".strip())
    if policy == "DAILY" and error.retry_after is None:
        error.retry_after = DAILY_PROBE
    return error


def refused(answer: UpstreamAnswer) -> UpstreamError:
    """HubSpot's texts may quote values; its category, codes and property names do not."""
    found = dict(_faults(answer))
    category = str(_object(answer).get("category") or "")
    category = category if _WORD.fullmatch(category) else "refused"
    if "INVALID_EMAIL" in found or "email" in found.values():
        what = "HubSpot does not take the e-mail address (property email)"
    elif found:
        what = f"HubSpot does not take {', '.join(sorted({*found.values()} - {''})) or 'a value'}"
    else:
        what = "see HubSpot's property settings"
    which = " ".join([category, *sorted(found)])
    is_there = answer.status == 400 and any(_IS_THERE.search(code) for code in found)
    error_class = ErrorClass.DUPLICATE if is_there else None
    return _error(answer, error_class, f"HTTP {answer.status} {which}: {what}")


def _reason(answer: UpstreamAnswer) -> str:
    """Category, then each code with its property: the words of which no value is made."""
    body = _object(answer)
    named = (str(body.get(name) or "") for name in ("category", "policyName"))
    faults = sorted({f"{code} {name}".strip() for code, name in _faults(answer)})
    return ", ".join([*(word for word in named if _WORD.fullmatch(word)), *faults])


def _faults(answer: UpstreamAnswer) -> Iterator[tuple[str, str]]:
    """(code, property): of `errors`, and of the JSON that stands within the message."""
    body = _object(answer)
    _, _, within = str(body.get("message") or "").partition(": ")
    faults: list[Any] = (
        list(body.get("errors") or ()) if isinstance(body.get("errors"), list) else []
    )
    with suppress(orjson.JSONDecodeError):
        more = orjson.loads(within) if within.startswith("[") else []
        faults += more if isinstance(more, list) else []
    for each in faults:
        if isinstance(each, dict):
            code = str(each.get("code") or each.get("error") or "")
            if _WORD.fullmatch(code):
                yield code, _property(each)


def _property(fault: Mapping[str, Any]) -> str:
    context = fault.get("context")
    names = context.get("propertyName") if isinstance(context, dict) else None
    name = str(names[0] if isinstance(names, list) and names else fault.get("name") or "")
    return name if _WORD.fullmatch(name) else ""


def _object(answer: UpstreamAnswer) -> dict[str, Any]:
    """The body of an answer; {} where it is no object."""
    try:
        body = answer.json()
    except UpstreamError:
        return {}
    return body if isinstance(body, dict) else {}


def _error(answer: UpstreamAnswer, error_class: ErrorClass | None, detail: str) -> UpstreamError:
    error = answer.error(error_class, detail, _reason(answer))
    if answer.status in _UNCERTAIN or error.error_class is ErrorClass.DUPLICATE:
        error.applied = None
    return error
