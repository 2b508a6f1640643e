"""`main.py` that stops itself as SIGSTOP does, once, in the middle of a sign-up.

    python -m tests.standby.halting COMMAND

HALT_AT names the moment; it comes once after the file HALT_ONCE was made, which goes then.
HALT_TO is the variable with the address of the upstream that is meant, where one is.

    gate         the request is accepted, and nothing of it is stored
    admission    inside the transaction that stores it
    acceptance   inside the transaction that writes what Shopify has answered, and what is owed
    checking     before the edge's last check of a write
    sending      after that check, and before a byte has left
    mailing      the same, of a mail
"""

import os
import signal
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import aiohttp

from gateway.cli import main
from gateway.registration.registrar import Registrar
from gateway.store import admission, registrations
from gateway.wire import smtp
from gateway.wire.edge import Edge

__all__ = ["POINTS"]


def _halt() -> None:
    try:
        Path(os.environ["HALT_ONCE"]).unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGSTOP)


def _before(owner: Any, name: str, meant: Callable[..., bool] = lambda *_: True) -> None:
    real = getattr(owner, name)

    @wraps(real)
    def halted(*args: Any, **named: Any) -> Any:
        if meant(*args):
            _halt()
        return real(*args, **named)

    setattr(owner, name, halted)


def _after(owner: Any, name: str) -> None:
    real = getattr(owner, name)

    @wraps(real)
    def halted(*args: Any, **named: Any) -> Any:
        found = real(*args, **named)
        _halt()
        return found

    setattr(owner, name, halted)


def _is_meant(request: aiohttp.ClientRequest, *_: Any) -> bool:
    return str(request.url).startswith(os.environ[os.environ["HALT_TO"]])


def _at_the_check() -> None:
    real = Edge.request_class

    def request_class(edge: Edge) -> type[aiohttp.ClientRequest]:
        made = real(edge)
        _before(made, "write_bytes", _is_meant)
        return made

    setattr(Edge, "request_class", request_class)  # noqa: B010


def _behind_the_check() -> None:
    """What the class of a write calls once the edge has let it pass; reads are of another class."""

    def is_written(request: aiohttp.ClientRequest, *_: Any) -> bool:
        return type(request) is not aiohttp.ClientRequest and _is_meant(request)

    _before(aiohttp.ClientRequest, "write_bytes", is_written)


def _before_a_mail() -> None:
    real: Any = vars(smtp)["hand_over"]

    async def hand_over(*args: Any) -> None:
        *others, may_go = args

        def halted() -> None:
            may_go()
            _halt()

        await real(*others, halted)

    vars(smtp)["hand_over"] = hand_over


POINTS: dict[str, Callable[[], None]] = {
    "gate": lambda: _before(Registrar, "register"),
    "admission": lambda: _after(admission, "begin"),
    "acceptance": lambda: _after(registrations, "accept"),
    "checking": _at_the_check,
    "sending": _behind_the_check,
    "mailing": _before_a_mail,
}

if __name__ == "__main__":
    POINTS[os.environ["HALT_AT"]]()
    main()
