"""An SMTP server for one machine (aiosmtpd): no encryption, no passwords, every recipient is
accepted.
"""

import asyncio
from typing import Any, AnyStr

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.clock import Clock
from sandbox.faults import Fault, Faults
from sandbox.mail.mailbox import Mailbox

MAX_MAIL_BYTES = 32 * 1024 * 1024
IDENT = "ESMTP; stores mail and delivers none"


class SmtpServer:
    """Listens on loopback and stores every mail in the mailbox; faults of the system `mail`
    apply.
    """

    def __init__(self, mailbox: Mailbox, faults: Faults, clock: Clock):
        self.mailbox = mailbox
        self.faults = faults
        self.clock = clock
        self.connections: set[SmtpConnection] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, port: int) -> int:
        """Listen on loopback and return the port; 0 chooses a free one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SmtpConnection(self, loop), "127.0.0.1", port
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server:
            self._server.close()
        for connection in list(self.connections):
            connection.abort()
        await asyncio.sleep(0)  # lets the connections end


class SmtpConnection(SMTP):
    """One client. A fault of no account meets its greeting, or with `effect` the answer to its
    first mail.
    """

    def __init__(self, server: SmtpServer, loop: asyncio.AbstractEventLoop):
        super().__init__(
            MailHandler(server),
            data_size_limit=MAX_MAIL_BYTES,
            enable_SMTPUTF8=True,
            hostname="sandbox",
            ident=IDENT,
            loop=loop,
        )
        self._mail_server = server
        self._is_greeted = False
        self.answer_fault: Fault | None = None  # replaces the answer to a mail that was stored

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._mail_server.connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._mail_server.connections.discard(self)
        super().connection_lost(error)

    async def push(self, status: AnyStr) -> None:
        """Send an answer; the first one is the greeting."""
        if self._is_greeted:
            await super().push(status)
            return
        self._is_greeted = True
        fault = self._mail_server.faults.take_system_fault("mail")
        self.answer_fault = fault if fault and fault.effect else None
        refusal = await fault_answer(fault, self) if fault and not fault.effect else ""
        if refusal:
            await super().push(refusal)
            self._writer.close()
        else:
            await super().push(status)

    def abort(self) -> None:
        """Cut the connection without an answer."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()


class MailHandler:
    """The hooks of aiosmtpd; their return values are the answers to the client."""

    def __init__(self, server: SmtpServer):
        self._server = server

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's name)
        self,
        connection: SmtpConnection,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        fault = self._server.faults.take_account_fault("mail", address)
        if fault and (refusal := await fault_answer(fault, connection)):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 (aiosmtpd's name)
        self, connection: SmtpConnection, session: Session, envelope: Envelope
    ) -> str:
        content: Any = envelope.original_content
        number = self._server.mailbox.add(envelope.rcpt_tos, content, self._server.clock())
        fault, connection.answer_fault = connection.answer_fault, None
        refusal = await fault_answer(fault, connection) if fault else ""
        return refusal or f"250 OK, stored as number {number}"


async def fault_answer(fault: Fault, connection: SmtpConnection) -> str:
    """Return what a fault answers after its delay; an empty text where it only delays.

    Status 0 cuts the connection and does not return: its end cancels the task of the connection.
    """
    await asyncio.sleep(fault.delay)
    if fault.status == 0:
        connection.abort()
        await asyncio.get_running_loop().create_future()
    return f"{fault.status} {fault.body or 'A simulated fault'}" if fault.answers else ""
