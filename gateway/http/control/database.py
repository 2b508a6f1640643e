"""`database restored`: a person says that the database was put back to an older state."""

from dataclasses import asdict

import orjson
from aiohttp import web

from gateway.http.keys import CORE
from gateway.http.middleware import respond
from gateway.responses.bodies import Answer

__all__ = ["routes"]

routes = web.RouteTableDef()


@routes.post("/control/database/restored")
async def restored(request: web.Request) -> web.Response:
    marked = await request.app[CORE].put_back.mark()
    return respond(Answer(200, orjson.dumps(asdict(marked))))
