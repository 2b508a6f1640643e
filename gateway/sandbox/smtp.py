"""The mailbox's side of SMTP: what each command meets before it takes effect."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Protocol

from aiosmtpd.smtp import MISSING, SMTP, AuthResult, Envelope, LoginPassword, Session

from gateway.sandbox.faults import Armed
from gateway.sandbox.listener import reset
from gateway.sandbox.mail_rules import address_and_rest, header_fault
from gateway.sandbox.options import MailOptions

_TEXTS = {
    421: "4.3.2 Service not available, closing transmission channel",
    450: "4.2.1 Mailbox unavailable",
    451: "4.3.0 Requested action aborted: local error in processing",
    452: "4.3.1 Insufficient system storage",
    535: "5.7.8 Authentication credentials invalid",
    550: "5.1.1 Mailbox unavailable",
    552: "5.3.4 Message too big",
    554: "5.7.1 Message rejected",
}
_AIOSMTPD_SYNTAX = "553 5.1.3 Error: malformed address"
_SYNTAX = "501 5.1.3 Bad address syntax"
_GARBAGE = "<html>502 Bad Gateway</html>"


class Keeper(Protocol):
    """What the server needs of the mailbox behind it."""

    def enter(self, server: "Server") -> None: ...

    def leave(self, server: "Server") -> None: ...

    def take(self, command: str) -> Armed | None: ...

    def heard(self, command: str, parameters: Sequence[str] = ()) -> None: ...

    def delay(self) -> float: ...

    def keep(self, envelope: Envelope, status: int, fault: str | None, began: float) -> None: ...

    def note(self, command: str, status: int, fault: str | None, began: float) -> None: ...

    def later(self, envelope: Envelope, armed: Armed) -> None: ...


class Server(SMTP):
    """One connection."""

    def __init__(self, keeper: Keeper, options: MailOptions) -> None:
        self._keeper = keeper
        self._options = options
        super().__init__(
            self,
            data_size_limit=options.size,
            enable_SMTPUTF8=True,
            hostname="sandbox.example.com",
            ident="ESMTP sandbox",
            tls_context=options.tls,
            auth_require_tls=False,
            authenticator=self._known_login,
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._keeper.enter(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._keeper.leave(self)
        super().connection_lost(error)

    async def _handle_client(self) -> None:
        said = await self._meet("CONNECT")
        if said is not None:
            await self.push(said)
            self._writer.close()
            return
        await super()._handle_client()

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Where aiosmtpd looks for it, more kindly than RFC 5321 allows."""
        return address_and_rest(arg) or (None, None)

    async def push(self, status: Any) -> None:
        """Says 501 where aiosmtpd says 553: RFC 5321 has the one for syntax, strict servers too."""
        await super().push(_SYNTAX if status == _AIOSMTPD_SYNTAX else status)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, session: Session, _envelope: Envelope, hostname: str, lines: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self._keeper.heard("EHLO")
        said = await self._meet("EHLO")
        if said is not None:
            return [said]
        offers_auth = self._options.username is not None
        hello, *offered = lines
        if self._options.pipelining:
            offered.insert(0, "250-PIPELINING")
        wanted = (line for line in offered if offers_auth or not line.startswith("250-AUTH"))
        return [hello, *wanted]

    async def handle_AUTH(  # noqa: N802
        self, _server: Any, _session: Session, _envelope: Envelope, _arguments: list[str]
    ) -> Any:
        self._keeper.heard("AUTH")
        said = await self._meet("AUTH")
        return MISSING if said is None else said

    async def handle_NOOP(self, *_: Any) -> Any:  # noqa: N802
        self._keeper.heard("NOOP")
        return MISSING

    async def handle_RSET(self, *_: Any) -> Any:  # noqa: N802
        self._keeper.heard("RSET")
        return MISSING

    async def handle_QUIT(self, *_: Any) -> Any:  # noqa: N802
        self._keeper.heard("QUIT")
        return MISSING

    async def handle_MAIL(  # noqa: N802
        self, _server: Any, session: Session, envelope: Envelope, address: str, given: list[str]
    ) -> str:
        self._keeper.heard("MAIL", given)
        said = await self._meet("MAIL")
        if said is not None:
            return said
        if self._options.auth_required and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(given)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Session, envelope: Envelope, address: str, given: list[str]
    ) -> str:
        self._keeper.heard("RCPT", given)
        said = await self._meet(f"RCPT {address}")
        if said is not None:
            return said
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(given)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, _server: Any, _session: Session, envelope: Envelope
    ) -> str:
        began = time.time()
        self._keeper.heard("DATA")
        if seconds := self._keeper.delay():
            await asyncio.sleep(seconds)
        armed = self._keeper.take("DATA")
        fault = armed.fault.kind if armed else None
        if armed is not None and (said := await self._misbehave("DATA", armed, envelope, began)):
            return said
        if wrong := header_fault(envelope.original_content or b""):
            self._keeper.note("DATA", 554, "headers", began)
            return f"554 5.6.0 {wrong}"
        self._keeper.keep(envelope, 250, fault, began)
        if armed is not None and armed.fault.kind == "slow":
            await asyncio.sleep(armed.fault.delay)
        return "250 OK"

    async def _meet(self, command: str) -> str | None:
        """What a fault says to a command; None lets it go on."""
        armed = self._keeper.take(command)
        if armed is None:
            return None
        if armed.fault.kind == "slow":
            await asyncio.sleep(armed.fault.delay)
        return await self._misbehave(command.partition(" ")[0], armed, None, time.time())

    async def _misbehave(
        self, command: str, armed: Armed, envelope: Envelope | None, began: float
    ) -> str | None:
        """The line to say, or None to go on; does not return where the connection is ended."""
        fault = armed.fault
        if fault.kind == "hang":
            await armed.cleared.wait()
        if fault.kind in {"hang", "slow"}:
            return None
        if fault.kind == "late" and envelope is not None:
            self._keeper.later(envelope, armed)
            return await self._end(abruptly=False)
        said = {"status": fault.status, "throttle": 451, "garbage": 200}.get(fault.kind, 0)
        if fault.applies and envelope is not None:
            self._keeper.keep(envelope, said, fault.kind, began)
        else:
            self._keeper.note(command, said, fault.kind, began)
        if fault.kind == "half":
            self._writer.write(b"25")
        if said == 0:
            return await self._end(abruptly=fault.kind == "reset")
        if fault.kind == "garbage":
            return _GARBAGE
        text = fault.body if isinstance(fault.body, str) else _TEXTS.get(said, "Sandbox says so")
        return f"{said} {text}"

    async def _end(self, abruptly: bool) -> str:
        """Ends the connection; the loss of it then cancels this task."""
        if abruptly:
            reset(self.transport)
        else:
            self._writer.close()
        await asyncio.Event().wait()
        return ""

    def _known_login(
        self, _server: Any, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        options = self._options
        known = LoginPassword((options.username or "").encode(), (options.password or "").encode())
        return AuthResult(success=data == known, handled=False)
