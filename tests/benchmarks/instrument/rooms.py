"""Which part a piece of code belongs to: by its module. What has no rule belongs to its caller."""

import importlib
import inspect
import logging
import pkgutil
import sys
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

import aiohttp.client_proto
import aiohttp.web_protocol
import aiosmtplib.protocol

import gateway
from tests.benchmarks.instrument.clock import Clock, wrapped

__all__ = ["PARTS", "instrument"]

HTTP, CORE, DATABASE = "inbound HTTP", "core: steps, tasks, locks", "database: hand-over to it"
PARTS = {
    "gateway.http": HTTP,
    "gateway.responses": HTTP,
    "gateway.http.forms": "validation",
    "gateway.normalize": "normalization",
    "gateway.registration": CORE,
    "gateway.registration.intent": "intent: hashing and sealing",
    "gateway.delivery": CORE,
    "gateway.background": CORE,
    "gateway.shopify": "Shopify",
    "gateway.channels.smaregi": "Smaregi",
    "gateway.matching": "Smaregi: index of members",
    "gateway.channels.crm": "HubSpot",
    "gateway.channels.email": "composing the mail",
    "gateway.wire.smtp": "SMTP",
    "gateway.wire.smtp_transaction": "SMTP",
    "gateway.store.database": DATABASE,
    "gateway.telemetry": "metrics",
    "gateway.telemetry.logs": "logging",
    "flags": "flags",
    "gateway.duplicates": "work beside sign-ups",
    "gateway.sync": "work beside sign-ups",
    "gateway.points": "work beside sign-ups",
}
"""The longest name that fits a module counts."""


def instrument(clock: Clock, system_of: Callable[[int], str], apart: str = "") -> None:
    """Wraps every function of a module with a rule, wherever it is known by name; then the edges of
    what is not ours. `system_of`: the part of the upstream system that listens on a port. In the
    part `apart` each function is a part of its own.
    """

    def switching(function: FunctionType) -> Callable[..., Any]:
        part = _part(function.__module__)
        if part == apart:
            room = function.__module__.rpartition(".")[2]
            part = f"{part}: {room}.{function.__qualname__}"
        return wrapped(clock, part, function)

    replaced = {
        id(function): switching(function)
        for module in list(_modules())
        if _part(module.__name__)
        for function in _wrap_methods(switching, module)
    }
    for module in [m for name, m in sys.modules.items() if name.split(".")[0] in _OURS]:
        for name, value in list(vars(module).items()):
            if id(value) in replaced:
                setattr(module, name, replaced[id(value)])
    _edges(clock, system_of)


_OURS = ("gateway", "flags")


def _modules() -> Iterator[ModuleType]:
    for package in (gateway, importlib.import_module("flags")):
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "sandbox" not in found.name and not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def _part(module: str) -> str:
    """'' where the caller's counts."""
    fitting = [name for name in PARTS if module == name or module.startswith(f"{name}.")]
    return PARTS[max(fitting, key=len)] if fitting else ""


def _wrap_methods(
    switching: Callable[[FunctionType], Callable[..., Any]], module: ModuleType
) -> Iterator[FunctionType]:
    """Wraps the methods of a module's classes; yields its functions."""
    for value in list(vars(module).values()):
        if getattr(value, "__module__", None) != module.__name__:
            continue
        if isinstance(value, FunctionType):
            yield value
        elif inspect.isclass(value) and not issubclass(value, BaseException):
            for name, method in list(vars(value).items()):
                if isinstance(method, FunctionType) and not name.startswith("__"):
                    setattr(value, name, switching(method))


def _edges(clock: Clock, system_of: Callable[[int], str]) -> None:
    """The server and client of aiohttp, the client of aiosmtplib, and the log."""

    def wrap(owner: Any, name: str, part: str) -> None:
        setattr(owner, name, wrapped(clock, part, getattr(owner, name)))

    for name in ("start", "data_received", "connection_made"):
        wrap(aiohttp.web_protocol.RequestHandler, name, HTTP)
    wrap(aiosmtplib.protocol.SMTPProtocol, "data_received", "SMTP")
    wrap(logging.Logger, "callHandlers", "logging")
    received = aiohttp.client_proto.ResponseHandler.data_received

    def data_received(self: Any, data: bytes) -> None:
        part = getattr(self, "_part_of_this_benchmark", None)
        if part is None:
            port = self.transport.get_extra_info("peername")[1]
            part = self._part_of_this_benchmark = system_of(port)
        before = clock.enter(part)
        try:
            received(self, data)
        finally:
            clock.switch(before)

    aiohttp.client_proto.ResponseHandler.data_received = data_received  # type: ignore[method-assign]
