"""Answers that a browser may keep for a while."""

import hashlib

from aiohttp import ETag, web

__all__ = ["cacheable"]


def cacheable(request: web.Request, body: bytes, content_type: str, seconds: int) -> web.Response:
    """304 for a browser that has it. No cache in between may store what came with a key."""
    tag = ETag(hashlib.sha256(body).hexdigest()[:16])
    known = any(given.value in {tag.value, "*"} for given in request.if_none_match or ())
    response = web.Response(status=304) if known else web.Response(body=body)
    response.etag = tag
    response.headers["Cache-Control"] = f"private, max-age={seconds}"
    if not known:
        response.headers["Content-Type"] = content_type
    return response
