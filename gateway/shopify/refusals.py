"""What Shopify refuses (`userErrors`) in our own words, under our fields' names.

Most of its mutations have no code there, only English (UserError of Admin API 2026-10): Rails'
validations and a few of its own. What we do not know is told in general, and Shopify's words go to
the log, without what was sent.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.errors import ErrorClass, UpstreamError
from gateway.shopify.client import SYSTEM
from gateway.shopify.documents import Document
from gateway.shopify.results import Refused
from gateway.wire.reasons import reason_of, values_in
from gateway.wording import Fault, FieldError, not_taken

__all__ = ["refused_by"]

log = logging.getLogger(__name__)

_OUR_FIELDS = {
    "email": "email",
    "phone": "phone",
    "firstName": "first_name",
    "lastName": "last_name",
    "locale": "locale",
    "emailMarketingConsent": "accepts_marketing",
    "zip": "address.postal_code",
    "provinceCode": "address.prefecture",
    "province": "address.prefecture",
    "countryCode": "address.country",
    "country": "address.country",
    "city": "address.city",
    "address1": "address.address1",
    "address2": "address.address2",
}

_CODES = {
    "BLANK": Fault.MISSING,
    "MISSING_ARGUMENT": Fault.MISSING,
    "MISSING_FIELD_REQUIRED": Fault.MISSING,
    "TAKEN": Fault.TAKEN,
    "TOO_LONG": Fault.LONGER_THAN_TAKEN,
    "TOO_SHORT": Fault.TOO_SHORT,
    "INCLUSION": Fault.NOT_IN_LIST,
    "INVALID": Fault.NOT_VALID,
    "INVALID_VALUE": Fault.NOT_VALID,
}
"""Of the errors that have one; what is not here is told in general."""
_SENTENCES = tuple(
    (re.compile(words, re.IGNORECASE), fault)
    for words, fault in (
        ("taken|unique|already|in use", Fault.TAKEN),
        ("too long", Fault.LONGER_THAN_TAKEN),
        ("too short", Fault.TOO_SHORT),
        (r"blank|must be present|is required", Fault.MISSING),
        ("emoji", Fault.EMOJI),
        (r"\bhtml\b|\burls?\b", Fault.MARKUP),
        ("included in the list", Fault.NOT_IN_LIST),
        ("invalid|not valid", Fault.NOT_VALID),
    )
)
"""The first one found decides."""
_FIELD = re.compile(r"[\w.]{1,64}", re.ASCII)


def refused_by(
    payload: Mapping[str, Any], document: Document, sent: Mapping[str, Any]
) -> Refused | None:
    """What a mutation's payload refuses of `sent`; None if nothing. Raises UpstreamError where
    Shopify itself is in trouble.
    """
    told: Sequence[Mapping[str, Any]] = payload.get("userErrors") or ()
    if not told:
        return None
    if any(error.get("code") == "INTERNAL_ERROR" for error in told):
        text = "internal error at Shopify"
        raise UpstreamError(SYSTEM, document.name, ErrorClass.UNAVAILABLE, text)
    return Refused(tuple(_in_our_words(error, document, sent) for error in told))


def _in_our_words(
    error: Mapping[str, Any], document: Document, sent: Mapping[str, Any]
) -> FieldError:
    field, words = _our_field(error.get("field") or (), sent), str(error.get("message") or "")
    fault = _CODES.get(str(error.get("code"))) or next(
        (fault for known, fault in _SENTENCES if known.search(words)), None
    )
    if fault is not None:
        return fault.at(field)
    reason = reason_of(words, values_in("", sent))
    log.warning("%s: Shopify does not take %s: %s", document.name, field, reason or "no reason")
    return not_taken(field)


def _our_field(path: Sequence[Any], sent: Mapping[str, Any]) -> str:
    parts = [str(part) for part in path if str(part) not in {"input", "value"}]
    if parts[:1] == ["metafields"] and len(parts) > 1 and parts[1].isdigit():
        fields = sent.get("metafields") or []
        index = int(parts[1])
        return str(fields[index]["key"]) if index < len(fields) else "metafields"
    for part in reversed(parts):
        if part in _OUR_FIELDS:
            return _OUR_FIELDS[part]
    name = ".".join(parts)
    return name if _FIELD.fullmatch(name) else "registration"
