"""GET /openapi.json, and /docs to read it."""

import asyncio

from aiohttp import web

from gateway.http.middleware import respond
from gateway.http.openapi import document_bytes
from gateway.responses.bodies import Answer

__all__ = ["routes"]

routes = web.RouteTableDef()


@routes.get("/openapi.json")
async def description(_: web.Request) -> web.Response:
    """Made at the first request, beside the others: it takes some 50 ms."""
    return respond(Answer(200, await asyncio.to_thread(document_bytes)))
