"""A mailbox that speaks SMTP and keeps what it is given."""

import asyncio
import logging
import time
from base64 import b64encode
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import SMTPUTF8
from functools import cached_property
from typing import Any

from aiosmtpd.smtp import Envelope

from gateway.sandbox.call import Kind
from gateway.sandbox.faults import Armed, Delays, Faults
from gateway.sandbox.journal import Asked, Journal, JournalEntry
from gateway.sandbox.listener import Listener, reset
from gateway.sandbox.mail_rules import unquoted
from gateway.sandbox.options import MailOptions
from gateway.sandbox.smtp import Server

_SYSTEM = "email"


@dataclass(frozen=True)
class Mail:
    """One accepted message; `time` is Unix seconds."""

    time: float
    sender: str
    recipients: tuple[str, ...]
    content: bytes

    @cached_property
    def message(self) -> EmailMessage:
        """Taken apart only when somebody looks at it: that takes as long as all the rest."""
        return message_from_bytes(self.content, _class=EmailMessage, policy=SMTPUTF8)

    @cached_property
    def message_id(self) -> str:
        return str(BytesHeaderParser().parsebytes(self.content)["Message-ID"] or "").strip()

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "")

    def body(self, kind: str) -> str | None:
        """The text of the part of that kind, `html` or `plain`; None without one."""
        part: Any = self.message.get_body((kind,))
        return None if part is None else str(part.get_content()).replace("\r\n", "\n")

    def page(self) -> str | None:
        """The HTML with its images in it, as a mail program shows it."""
        text = self.body("html")
        for part in self.message.walk() if text is not None else ():
            name = str(part["Content-ID"] or "").strip("<>")
            if text is not None and name:
                data = b64encode(bytes(part.get_content())).decode()
                text = text.replace(f"cid:{name}", f"data:{part.get_content_type()};base64,{data}")
        return text


class Mailbox:
    """Holds the newest messages; `count` and `by_message_id` tell how often one came."""

    def __init__(
        self,
        options: MailOptions,
        faults: Faults,
        delays: Delays,
        journal: Journal,
        *,
        host: str,
        port: int,
    ) -> None:
        self.options = options
        self.host = host
        self.messages: deque[Mail] = deque(maxlen=options.keep)
        self._faults = faults
        self._delays = delays
        self._journal = journal
        self._servers: set[Server] = set()
        self._late: set[asyncio.Task[None]] = set()
        self._listener = Listener(self._protocol, self._cut, host, port)

    @property
    def port(self) -> int:
        return self._listener.port

    def by_message_id(self, message_id: str) -> list[Mail]:
        return [mail for mail in self.messages if mail.message_id == message_id]

    def to(self, recipient: str) -> list[Mail]:
        """The messages to an address, oldest first; neither case nor quotes count."""
        wanted = unquoted(recipient)
        return [mail for mail in self.messages if wanted in map(unquoted, mail.recipients)]

    def count(self, message_id: str | None = None) -> int:
        return len(self.messages if message_id is None else self.by_message_id(message_id))

    async def start(self) -> None:
        # aiosmtpd logs each command, and with it addresses.
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        await self._listener.open()
        self._faults.watch(_SYSTEM, self._listener.refuse)

    async def stop(self) -> None:
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)
        await self._listener.close()
        self._cut()
        for _ in range(100):  # a connection leaves when the loop has told it of its end
            if not self._servers:
                break
            await asyncio.sleep(0.001)

    def reset(self) -> None:
        self.messages.clear()

    def enter(self, server: Server) -> None:
        self._servers.add(server)

    def leave(self, server: Server) -> None:
        self._servers.discard(server)

    def take(self, command: str) -> Armed | None:
        """The fault that an SMTP command meets (`RCPT` with its address, the others alone);
        without a `match` 535 is said at AUTH only.
        """
        return self._faults.take(
            _SYSTEM,
            (command,),
            lambda fault: command == ("AUTH" if fault.status == 535 else "DATA"),
        )

    def heard(self, command: str, parameters: Sequence[str] = ()) -> None:
        """Writes down that a command was said, with the names of its parameters."""
        names = frozenset(each.partition("=")[0].upper() for each in parameters)
        self._journal.asked.add(Asked(_SYSTEM, command, names))

    def delay(self) -> float:
        return self._delays.of(_SYSTEM, "write")

    def keep(self, envelope: Envelope, status: int, fault: str | None, began: float) -> None:
        """Holds a message; `status` is what is said of it, 0 for nothing."""
        content: bytes = envelope.original_content or b""
        mail = Mail(time.time(), str(envelope.mail_from), tuple(envelope.rcpt_tos), content)
        self.messages.append(mail)
        self._write("DATA", status, fault, began, mail)

    def note(self, command: str, status: int, fault: str | None, began: float) -> None:
        """Writes down a command that a fault kept from taking effect."""
        self._write(command, status, fault, began, None)

    def later(self, envelope: Envelope, armed: Armed) -> None:
        """Holds a message some seconds after its connection was closed."""
        task = asyncio.get_running_loop().create_task(self._keep_late(envelope, armed))
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _keep_late(self, envelope: Envelope, armed: Armed) -> None:
        began = time.time()
        await asyncio.sleep(armed.fault.delay)
        self.keep(envelope, 0, armed.fault.kind, began)

    def _write(
        self, command: str, status: int, fault: str | None, began: float, mail: Mail | None
    ) -> None:
        now = time.time()
        kind: Kind = "write" if command == "DATA" else "read"
        self._journal.add(
            JournalEntry(
                time=now,
                seconds=now - began,
                system=_SYSTEM,
                operation=command,
                kind=kind,
                status=status,
                applied=mail is not None,
                target=None if mail is None else mail.message_id,
                fault=fault,
            )
        )

    def _protocol(self) -> asyncio.BaseProtocol:
        server: asyncio.BaseProtocol = Server(self, self.options)
        return server

    def _cut(self) -> None:
        for server in tuple(self._servers):
            reset(server.transport)
