"""The owner's door for other commands of this machine: a Unix socket beside the database file."""

from gateway.http.control.application import control_application, yielding

__all__ = ["control_application", "yielding"]
