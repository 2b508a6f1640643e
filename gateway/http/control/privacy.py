"""What is held about one person, for the commands of this machine. The person is named in the body,
so that no URL and no log has the name.
"""

import orjson
from aiohttp import web

from gateway.errors import CommandRefused, Unreachable
from gateway.http.control.body import body_of
from gateway.http.keys import CORE
from gateway.http.middleware import respond
from gateway.responses.bodies import Answer, problem
from gateway.wording import Text

__all__ = ["routes"]

routes = web.RouteTableDef()

_LONGEST = 320


@routes.post("/control/privacy/show")
async def show(request: web.Request) -> web.Response:
    found = await request.app[CORE].privacy.show(await _asked(request))
    return respond(Answer(200, orjson.dumps(found)))


@routes.post("/control/privacy/erase")
async def erase(request: web.Request) -> web.Response:
    try:
        done = await request.app[CORE].privacy.erase(await _asked(request))
    except Unreachable as error:
        return respond(problem(502, "upstream", Text.english(str(error))))
    return respond(Answer(200, orjson.dumps(done)))


async def _asked(request: web.Request) -> str:
    text = (await body_of(request)).get("person")
    if not isinstance(text, str) or not 0 < len(text.strip()) <= _LONGEST:
        raise CommandRefused("Name a person by e-mail or id.")
    return text.strip()
