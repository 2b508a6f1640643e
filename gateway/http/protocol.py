"""Requests that are not proper HTTP: they never reach the application, nor our middlewares.

aiohttp would quote their bytes, a bearer key among them, in its answer and in its log; here both
hold no more than the kind of error.
"""

import logging
import secrets

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from gateway.answers import problem
from gateway.http.middleware import respond

__all__ = ["Runner"]

log = logging.getLogger("gateway.http")


class _Handler(RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it may quote the request
    ) -> web.StreamResponse:
        log.info("a request that is not proper HTTP: %s", type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        known = status if 400 <= status < 500 else 400
        response = respond(problem(known, "bad-request", "The request is not proper HTTP."))
        response.headers["X-Request-Id"] = secrets.token_hex(8)
        response.force_close()
        return response

    def log_exception(self, *_: object, **__: object) -> None:
        """What our middlewares did not see is the connection's trouble, with its bytes."""
        log.debug("a connection ended badly")


class _Server(web.Server):
    def __call__(self) -> RequestHandler:
        return _Handler(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """An AppRunner whose connections are answered by us even where the request is broken."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        server.__class__ = _Server  # aiohttp has no setting for the handler's class
        return server
