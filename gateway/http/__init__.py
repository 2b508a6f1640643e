"""The front door: routes, middleware, problems; the only inbound side.

Nothing is imported here: the forms are read by `normalize` too, which needs no server.
"""

__all__ = ()
