"""What a command sends."""

from typing import Any

from aiohttp import web

from gateway.errors import CommandRefused
from gateway.http.forms import NotJsonError, parse_json

__all__ = ["body_of"]


async def body_of(request: web.Request) -> dict[str, Any]:
    try:
        return dict(parse_json(await request.read()))
    except NotJsonError as error:
        raise CommandRefused(str(error)) from None
