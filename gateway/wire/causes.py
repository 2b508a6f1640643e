"""Why there is no connection: found in the chain of exceptions that a library raised."""

import errno
import re
import socket
import ssl
from collections.abc import Iterator

import aiohttp
import aiosmtplib

from gateway.errors import Cause

__all__ = ["cause_of"]

_CERTIFICATES = {
    9: "is not valid yet, or this machine's clock is behind",
    10: "has expired, or this machine's clock is ahead",
    18: "is signed by itself and not trusted here",
    19: "is signed by an authority that is not trusted here",
    20: "is signed by an authority that is not trusted here",
    62: "is for another host name",
    64: "is for another host",
}
"""OpenSSL's `verify_code` -> what is wrong with the certificate."""
_UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT, errno.ENETDOWN}
_NUMBERED = re.compile(r"\[Errno (\d+)\]")
_PLAIN = re.compile("WRONG_VERSION|RECORD_LAYER|HTTP_REQUEST|PACKET_LENGTH|UNKNOWN_PROTOCOL")


def cause_of(error: BaseException) -> tuple[Cause, str] | None:
    """The cause and a few words about it, without the name of a host; None if it is unknown."""
    for each in _chain(error):
        if (found := _cause(each)) is not None:
            return found
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The first cause is the deepest exception. aiohttp keeps it in `os_error`."""
    inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None)
    inner = inner or error.__cause__ or error.__context__
    if isinstance(inner, BaseException) and inner is not error:
        yield from _chain(inner)
    yield error


def _cause(error: BaseException) -> tuple[Cause, str] | None:
    match error:
        case socket.gaierror() | aiohttp.ClientConnectorDNSError():
            return Cause.NAME, "the host name cannot be found"
        case ssl.SSLCertVerificationError():
            wrong = _CERTIFICATES.get(getattr(error, "verify_code", 0), "cannot be verified")
            return Cause.CERTIFICATE, f"the certificate {wrong}"
        case ssl.SSLError() if _PLAIN.search(getattr(error, "reason", None) or ""):
            return Cause.NO_TLS, "what answers there speaks no TLS"
        case ssl.SSLError():
            return Cause.HANDSHAKE, "the TLS handshake failed"
        case aiosmtplib.SMTPException():
            return _mail_server(error)
        case aiohttp.ClientResponseError():
            return Cause.PROTOCOL, "what answers there speaks no HTTP"
        case aiohttp.ClientError():  # its `os_error` was asked already; its text may fail
            return None
        case OSError():
            return _system(error)
    return None


def _mail_server(error: aiosmtplib.SMTPException) -> tuple[Cause, str] | None:
    """Aiosmtplib has no classes of its own for these; its texts are its own, not the server's."""
    text = str(error)
    if isinstance(error, aiosmtplib.SMTPResponseException):
        foreign = error.code < 0
        return (Cause.PROTOCOL, "what answers there is no mail server") if foreign else None
    if "STARTTLS extension not supported" in text:
        return Cause.NO_STARTTLS, "the server offers no STARTTLS"
    if "AUTH extension is not supported" in text:
        return Cause.NO_LOGIN, "the server offers no login"
    if "waiting for server ready" in text:
        return Cause.SILENT, "the server is silent: it was reached and does not greet"
    return None


def _system(error: OSError) -> tuple[Cause, str] | None:
    """Where a host has several addresses, their errors are one text."""
    codes = {error.errno, *map(int, _NUMBERED.findall(str(error)))}
    if errno.ECONNREFUSED in codes:
        return Cause.REFUSED, "the connection was refused"
    if codes & _UNREACHABLE:
        return Cause.UNREACHABLE, "the host cannot be reached"
    return None
