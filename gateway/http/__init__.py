"""The front door: routes, middleware, problems; the only inbound side."""

from gateway.http.control import control_application
from gateway.http.server import application
from gateway.http.site import public_site

__all__ = ["application", "control_application", "public_site"]
