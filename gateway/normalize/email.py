"""E-mail addresses: the form that is kept, the form that SMTP takes, the form that is compared.

Old carriers' addresses (`a..b@docomo.ne.jp`) are kept and compared without quotes, and written to
with quotes, since RFC 5321 has no other form for them.
"""

import re
import unicodedata
from typing import Final

from gateway.normalize.characters import has_invisible, scrub
from gateway.wording import Fault, Wrong

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_STRICT_LOCAL: Final = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_CARRIER_LOCAL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+")
_CARRIER_DOMAIN: Final = re.compile(
    r"(?:docomo|ezweb|softbank|disney|(?:[a-z]+\.)?pdx|(?:[a-z]+\.)?vodafone|jp-[a-z]|ymobile"
    r"|emobile(?:-s)?|willcom|(?:[a-z0-9-]+\.)?biz\.ezweb)\.(?:ne\.jp|com)|i\.softbank\.jp|au\.com"
)
"""Mobile carriers that let dots stand side by side and before the @ until about 2009."""

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"(?:{_LABEL}\.)+(?!\d+$){_LABEL}")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_CLEAN: Final = re.compile(rf"{_STRICT_LOCAL.pattern}@{_DOMAIN.pattern}")
_READY: Final = re.compile(_CLEAN.pattern, re.IGNORECASE | re.ASCII)
_PLAIN: Final = re.compile(rf"{_CARRIER_LOCAL.pattern}@{_DOMAIN.pattern}")
"""Most addresses in a till: nothing to fold, but for the case."""

_LONGEST: Final = 254
_LONGEST_LOCAL: Final = 64


def clean_email(text: str) -> str:
    """The address as it is to be written to: local part in its own case, domain in lower case.

    An international domain becomes its ASCII form (UTS 46), and quotes round the local part go.
    Raises Wrong, without the value in its text, for what cannot be an address (RFC 5321, plus the
    old carriers), and for controls, line breaks and marks that nobody sees: whoever
    pastes them meant another address than the one without them.
    """
    if len(text) <= _LONGEST and _CLEAN.fullmatch(text) and text.index("@") <= _LONGEST_LOCAL:
        return text
    local, domain = _split(_visible(text))
    shape = _CARRIER_LOCAL if _CARRIER_DOMAIN.fullmatch(domain) else _STRICT_LOCAL
    if len(local) > _LONGEST_LOCAL or not shape.fullmatch(local):
        raise Wrong(Fault.EMAIL_LOCAL)
    return f"{local}@{domain}"


def smtp_address(text: str) -> str:
    """The address as SMTP and headers take it: ASCII, the local part quoted where it must be.

    Raises Wrong, without the value, for what only SMTPUTF8 could write to or nobody can.
    """
    if len(text) <= _LONGEST and _READY.fullmatch(text):
        return text
    local, domain = _split(_visible(text))
    if _STRICT_LOCAL.fullmatch(local):
        return f"{local}@{domain}"
    if len(local) > _LONGEST_LOCAL or not _CARRIER_LOCAL.fullmatch(local):
        raise Wrong(Fault.EMAIL_LOCAL)
    return f'"{local}"@{domain}'


def email_key(text: str) -> str:
    """The address as two of them are compared; '' where there is none. Never raises.

    Dots and +tags stay: only the provider knows whether they mean another mailbox. A local
    part with dots in odd places is compared too, whatever its domain, and quotes are nothing.
    """
    if len(text) <= _LONGEST and text.isascii() and _PLAIN.fullmatch(plain := text.lower()):
        return plain
    try:
        local, domain = _split(text)
    except ValueError:
        return ""
    return f"{local}@{domain}".lower() if _CARRIER_LOCAL.fullmatch(local) else ""


def _split(text: str) -> tuple[str, str]:
    if len(text) > 4 * _LONGEST:
        raise Wrong(Fault.EMAIL_LENGTH)
    folded = scrub(unicodedata.normalize("NFKC", scrub(text)))
    written, at, domain = folded.rpartition("@")
    local = _unquoted(written)
    if not at or not local or "@" in local:
        raise Wrong(Fault.EMAIL_AT)
    ascii_domain = _ascii_domain(domain)
    if not _DOMAIN.fullmatch(ascii_domain):
        raise Wrong(Fault.EMAIL_DOMAIN)
    if len(local) + len(ascii_domain) + 1 > _LONGEST:
        raise Wrong(Fault.EMAIL_LENGTH)
    return local, ascii_domain


def _visible(text: str) -> str:
    """The text itself. Spaces round it are a slip of the hand; what cannot be seen is not."""
    if not text.isprintable() and has_invisible(text):
        raise Wrong(Fault.INVISIBLE)
    return text


def _unquoted(local: str) -> str:
    quoted = _QUOTED.fullmatch(local)
    return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else local


def _ascii_domain(domain: str) -> str:
    if domain.isascii():
        return domain.lower()
    import idna  # noqa: PLC0415  large tables, which hardly any address needs

    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        return ""
