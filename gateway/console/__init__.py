"""The operator's pages at /admin: what is wrong, why, and mending it without a shell."""

from gateway.console.site import applications, sites

__all__ = ["applications", "sites"]
