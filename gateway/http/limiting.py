"""Refuses, before the body is read, what exceeds the limit of a key or a visitor."""

from aiohttp import web

from gateway.http.keys import ACCESS
from gateway.http.middleware import CALLER
from gateway.http.rates import client_address
from gateway.responses.bodies import Answer, problem

__all__ = ["too_often"]

_HEADER = "X-Client-Address"


def too_often(request: web.Request) -> Answer | None:
    """None if the caller, or the visitor whom it names, may go on.

    An invalid address is refused, with or without a key: if it were ignored, visitors would have
    no limit and nobody would notice.
    """
    given = request.headers.getall(_HEADER, [])
    try:
        visitor = client_address(",".join(given)) if given else None
    except ValueError:
        text = f"{_HEADER} should be one IP address, the visitor's own, without a port."
        return problem(400, "invalid-client-address", text)
    wait = request.app[ACCESS].wait(request[CALLER], visitor)
    if not wait:
        return None
    whom = "This visitor" if visitor else "This key"
    text = f"{whom} sends more requests a second than GATEWAY_RATE_LIMIT allows."
    return problem(429, "too-many-requests", text, retry_after=wait)
