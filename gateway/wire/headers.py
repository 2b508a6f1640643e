"""Mail headers as the strictest server takes them: ASCII, with short encoded words."""

from email.header import Header
from email.utils import formataddr

from gateway.normalize import Mailbox

__all__ = ["encoded", "mailbox_header"]

_LINE = 74
"""The library overruns its `maxlinelen` by two; RFC 2047 allows 75 a word and 76 a line."""


def encoded(text: str, header: str) -> str:
    """A text as the value of the header of that name, in encoded words, folded. Never raises."""
    clean = text.encode("utf-8", "replace").decode()
    return Header(clean, "utf-8", maxlinelen=_LINE, header_name=header).encode()


def mailbox_header(mailbox: Mailbox, header: str) -> str:
    """Name and address; a name in ASCII is quoted where it must be, any other is encoded."""
    if not mailbox.name or mailbox.name.isascii():
        return formataddr((mailbox.name, mailbox.address))
    return f"{encoded(mailbox.name, header)}\n <{mailbox.address}>"
