"""Refuses, before the body is read, what exceeds the limit of a key or a visitor."""

from aiohttp import web

from gateway.http.keys import ACCESS
from gateway.http.middleware import CALLER
from gateway.http.rates import client_address
from gateway.responses.bodies import Answer, problem
from gateway.wording import Detail

__all__ = ["forms_too_often", "too_often"]

_HEADER = "X-Client-Address"


def too_often(request: web.Request) -> Answer | None:
    """Returns None if the caller, or the visitor that it names, may go on.

    An invalid address is refused, with or without a key: if it were ignored, visitors would have
    no limit and nobody would notice.
    """
    visitor = None
    if _HEADER in request.headers:
        try:
            visitor = client_address(",".join(request.headers.getall(_HEADER)))
        except ValueError:
            return problem(400, "invalid-client-address", Detail.CLIENT_ADDRESS)
    wait = request.app[ACCESS].wait(request[CALLER], visitor)
    if not wait:
        return None
    detail = Detail.VISITOR_TOO_OFTEN if visitor else Detail.KEY_TOO_OFTEN
    return problem(429, "too-many-requests", detail, retry_after=wait)


def forms_too_often(request: web.Request) -> Answer | None:
    """The same for what helps to fill a form, and reaches no other system."""
    wait = request.app[ACCESS].form_wait(request[CALLER])
    if not wait:
        return None
    return problem(429, "too-many-requests", Detail.FORMS_TOO_OFTEN, retry_after=wait)
