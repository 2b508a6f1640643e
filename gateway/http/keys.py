"""What handlers share, by typed key."""

from aiohttp import web

from gateway.app import Core
from gateway.http.access import CallerAccess

__all__ = ["ACCESS", "CORE"]

CORE: web.AppKey[Core] = web.AppKey("core", Core)
ACCESS: web.AppKey[CallerAccess] = web.AppKey("access", CallerAccess)
