"""GET /openapi.json, and /docs to read it."""

import asyncio
import secrets
from functools import cache
from importlib.resources import files

from aiohttp import web

from gateway.http.middleware import respond
from gateway.http.openapi import VIEWER, document_bytes
from gateway.responses.bodies import Answer

__all__ = ["routes"]

routes = web.RouteTableDef()

_DAY = 86400
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}' "
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' "
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='; "
    "connect-src 'self'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing is loaded from elsewhere, the viewer's logo included. The nonce is of the styles that the
viewer makes, the hashes are of two that it makes without one; its arrow is a `data:` image."""


@routes.get("/openapi.json")
async def description(_: web.Request) -> web.Response:
    """Made at the first request, in a thread, since it takes some 50 ms."""
    return respond(Answer(200, await asyncio.to_thread(document_bytes)))


@routes.get("/docs")
async def page(_: web.Request) -> web.Response:
    nonce = secrets.token_urlsafe(16)
    text = (await asyncio.to_thread(_file, "index.html")).decode().replace("{nonce}", nonce)
    headers = {
        "Content-Security-Policy": _POLICY.replace("{nonce}", nonce),
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return web.Response(text=text, content_type="text/html", charset="utf-8", headers=headers)


@routes.get("/docs/{file}")
async def asset(request: web.Request) -> web.Response:
    name = request.match_info["file"]
    if name not in VIEWER:
        raise web.HTTPNotFound
    body = await asyncio.to_thread(_file, name)
    headers = {"Cache-Control": f"public, max-age={_DAY}", "Content-Type": VIEWER[name]}
    return web.Response(body=body, headers=headers)


@cache
def _file(name: str) -> bytes:
    return files("gateway.http.openapi").joinpath("viewer", name).read_bytes()
