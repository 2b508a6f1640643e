"""GET /v1/postal-codes/{code} and POST /v1/normalize: for forms; nothing is sent or kept."""

from dataclasses import asdict
from functools import partial

import orjson
from aiohttp import web

from gateway.http.caching import cacheable
from gateway.http.forms.json_body import NotJsonError, parse_json
from gateway.http.forms.normalized import normalized
from gateway.http.forms.refused import refused_body
from gateway.http.limiting import forms_too_often
from gateway.http.middleware import read_body, respond
from gateway.normalize import clean_postal_code, places_of_postal_code
from gateway.responses.bodies import Answer, problem
from gateway.wording import Detail, Fault, Language

__all__ = ["routes"]

routes = web.RouteTableDef()

_A_DAY = 24 * 60 * 60
"""Seconds; the post's data changes with a version of the gateway."""


@routes.get("/v1/postal-codes/{code}")
async def postal_code(request: web.Request) -> web.Response:
    if refusal := forms_too_often(request):
        return respond(refusal)
    code = clean_postal_code(request.match_info["code"])
    if code is None:
        wrong = Fault.POSTAL_CODE.at("postal_code")
        return respond(problem(422, "invalid-data", Detail.POSTAL_CODE, errors=[wrong]))
    places = places_of_postal_code(code)
    if not places:
        return respond(problem(404, "not-found", Detail.NO_POSTAL_CODE))
    rows = [{name: text or None for name, text in asdict(place).items()} for place in places]
    body = orjson.dumps({"postal_code": code, "places": rows})
    return cacheable(request, body, "application/json; charset=utf-8", _A_DAY)


@routes.post("/v1/normalize")
async def normalize(request: web.Request) -> web.Response:
    if request.content_type != "application/json":
        return respond(problem(415, "unsupported-media-type", Detail.SEND_FIELDS))
    if refusal := forms_too_often(request):
        return respond(refusal)
    raw = await read_body(request)
    try:
        parse_json(raw)
    except NotJsonError as error:
        return respond(refused_body(error))
    return respond(
        Answer(200, _row(raw, "en"), {"Cache-Control": "no-store"}, partial(_row, raw, "ja"))
    )


def _row(raw: bytes, language: Language) -> bytes:
    return orjson.dumps(normalized(raw, language))
