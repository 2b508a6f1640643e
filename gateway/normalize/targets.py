"""An address in the form of each system that gets it, and the key by which two are compared."""

import re
from typing import Final

from gateway import frozen
from gateway.normalize.folding import fold_name, readable
from gateway.normalize.reading import ParsedAddress, folded

SMAREGI_ADDRESS_LIMIT: Final = 85
"""Smaregi's column address: one line of at most 85 characters."""

_AZA: Final = re.compile("[大小]?字|第(?=[\ue000-\uf8fe]地割)")
_CHOME_BAN_GO: Final = 3
_BREAK: Final = re.compile(r"[\s、,・/()「」-]")
_OF_A_HOUSE: Final = re.compile("[0-9]{1,2}|[^0-9A-Za-z]")
_DIGIT: Final = re.compile("[0-9]")


@frozen
class ShopifyAddress:
    """The fields of Shopify's MailingAddressInput; `province_code` is None where unknown."""

    province_code: str | None
    city: str
    address1: str
    address2: str
    zip: str


def shopify_address(address: ParsedAddress) -> ShopifyAddress:
    """Each part in its place; as the customer wrote it where no municipality was understood."""
    written = address.written
    code = address.prefecture.code if address.prefecture else None
    zip_code = address.postal_code or written.postal_code
    if not address.city or not (address.understood or address.line1):
        return ShopifyAddress(code, written.city, written.address1, written.address2, zip_code)
    if not address.line1:  # a post office box, or a building that stands for itself
        return ShopifyAddress(code, address.city, address.building, "", zip_code)
    return ShopifyAddress(code, address.city, address.line1, address.building, zip_code)


def smaregi_line(address: ParsedAddress, limit: int = SMAREGI_ADDRESS_LIMIT) -> tuple[str, bool]:
    """One line of at most `limit` characters, and whether something had to be cut off.

    The building goes first, from its end, at a word or before a number; then the rest.
    """
    line = _whole_line(address)
    if len(line) <= limit:
        return line, False
    return _cut(line, limit), True


def address_key(address: ParsedAddress) -> str:
    """For comparison only, never shown: '' where the address is too vague to compare.

    Street, building and room do not count, nor does the way of writing.
    """
    if not address.city or address.prefecture is None:
        return _key_of_unknown(address)
    if not address.block:
        return ""
    town = _AZA.sub("", fold_name(address.town)) or fold_name(address.town)
    names = readable(f"{fold_name(address.city)}|{town}")
    return f"{address.prefecture.code}|{names}|{_block_key(address)}"


def _block_key(address: ParsedAddress) -> str:
    """Three parts, and a fourth that is no room's: 1丁目2番地3の4, 1丁目2番3号甲."""
    parts = address.parts[:_CHOME_BAN_GO]
    fourth = address.parts[_CHOME_BAN_GO : _CHOME_BAN_GO + 1]
    return "-".join(parts + fourth if fourth and _OF_A_HOUSE.fullmatch(fourth[0]) else parts)


def _key_of_unknown(address: ParsedAddress) -> str:
    written = address.written
    parts = (written.prefecture, written.city, written.address1)
    text = folded(" ".join(parts)).text if sum(map(len, parts)) < 400 else ""
    return f"?|{readable(text)}" if len(text) > 6 and re.search("[0-9\ue000-\uf8fe]", text) else ""


def _whole_line(address: ParsedAddress) -> str:
    written = address.written
    prefecture = address.prefecture.ja if address.prefecture else ""
    if not address.city:
        before = prefecture if written.prefecture and prefecture else written.prefecture
        parts = [before, written.city, written.address1, written.address2]
        return " ".join(" ".join(part.split()) for part in parts if part.strip())
    place = f"{prefecture}{address.city}{address.line1}"
    return f"{place} {address.building}".strip()


def _cut(line: str, limit: int) -> str:
    """At the last break in the second half; else between two characters, not within a number."""
    breaks = [match.start() for match in _BREAK.finditer(line, limit // 2, limit + 1)]
    if breaks:
        return line[: breaks[-1]].rstrip(" 、,・-(")
    end = limit
    while end > limit // 2 and _DIGIT.match(line[end - 1]) and _DIGIT.match(line[end]):
        end -= 1
    return line[:end].rstrip()
