"""What the strictest mail servers refuse: addresses (RFC 5321), headers (RFC 2047, RFC 5322)."""

import re
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTPUTF8

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_QUOTED = r'"(?:[ !#-\[\]-~]|\\[ -~])*"'
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PATH = re.compile(
    rf"\s*<((?:{_ATOM}(?:\.{_ATOM})*|{_QUOTED})@{_LABEL}(?:\.{_LABEL})*)>(?:\s+(.*))?"
)
_WORD = re.compile(rb"=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=")
_LONGEST_WORD = 75
_LONGEST_LINE = 998


def address_and_rest(path: str) -> tuple[str, str] | None:
    """`<a@example.com> SIZE=1` taken apart; None where it breaks the grammar."""
    found = _PATH.fullmatch(path)
    return (found[1], found[2] or "") if found else None


def unquoted(address: str) -> str:
    """The mailbox that an address names: quotes and case make no other one."""
    local, _, domain = address.rpartition("@")
    if len(local) > 1 and local[0] == local[-1] == '"':
        local = re.sub(r"\\(.)", r"\1", local[1:-1])
    return f"{local}@{domain}".lower()


def header_fault(content: bytes) -> str | None:
    """What is wrong with the headers of a message, None where nothing is."""
    head = re.split(rb"\r?\n\r?\n", content, maxsplit=1)[0]
    if not head.isascii():
        return "a header has bytes that are not ASCII"
    if any(len(line) > _LONGEST_LINE for line in head.split(b"\n")):
        return "a header line has more than 998 characters"
    if any(len(word[0]) > _LONGEST_WORD for word in _WORD.finditer(head)):
        return "an encoded word has more than 75 characters"
    parsed = BytesParser(_class=EmailMessage, policy=SMTPUTF8).parsebytes(head, headersonly=True)
    for name in ("From", "To"):
        values = parsed.get_all(name) or []
        if len(values) != 1 or values[0].defects or len(values[0].addresses) != 1:
            return f"{name} is not one address"
    return None
