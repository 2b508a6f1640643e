"""Which gateway a command means that comes over the network, and that it has the same secret."""

import hmac
from collections.abc import Callable

from aiohttp import web

from gateway import frozen
from gateway.http.middleware import respond
from gateway.responses.bodies import problem
from gateway.wording import Detail, Text

__all__ = ["GATEWAY", "Named"]

GATEWAY = "X-Gateway"
"""The header that names it. Two that listen on loopback alone have one address, each on its own
machine.
"""


@frozen
class Named:
    """`me()`: the id of this one; None while it is not known. `key`: what a command shows."""

    me: Callable[[], str | None]
    key: str

    def refusal(self, request: web.Request) -> web.Response | None:
        """Who has no key learns nothing."""
        if not self._is_shown(request):
            return respond(problem(404, "not-found", Detail.NOTHING_HERE))
        if request.headers[GATEWAY] != self.me():
            text = "This is another gateway than the one that is meant."
            return respond(problem(421, "another-gateway", Text.english(text)))
        return None

    def _is_shown(self, request: web.Request) -> bool:
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(shown.encode("utf-8", "surrogateescape"), self.key.encode())
