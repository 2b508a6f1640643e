"""What a command sends."""

from typing import Any

from aiohttp import web

from gateway.errors import CommandRefused
from gateway.http.forms import NotJsonError, parse_json
from gateway.http.middleware import read_body

__all__ = ["body_of"]


async def body_of(request: web.Request) -> dict[str, Any]:
    try:
        return dict(parse_json(await read_body(request)))
    except NotJsonError as error:
        raise CommandRefused(str(error)) from None
