"""A receiver of SMTP (RFC 5321) for one machine: no encryption, no passwords, every recipient is welcome."""

import asyncio
import re
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable

from sandbox.clock import Clock
from sandbox.faults import Fault, Faults
from sandbox.mail.mailbox import Mailbox

MOST = 32 * 1024 * 1024  # bytes of a mail
MOST_OF_A_LINE = 1024 * 1024  # bytes
SENDER = re.compile(r"FROM:\s*<([^<>]*)>(?: .*)?", re.IGNORECASE)
RECIPIENT = re.compile(r"TO:\s*<([^<>]+)>(?: .*)?", re.IGNORECASE)
HELLO = f"250-sandbox\r\n250-SIZE {MOST}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 PIPELINING"
BROKEN = (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)


class Cut(Exception):
    """The line is cut without an answer."""


class SmtpServer:
    def __init__(self, box: Mailbox, faults: Faults, clock: Clock):
        self.box = box
        self.faults = faults
        self.clock = clock
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def listen(self, port: int) -> int:
        """On loopback; gives the port, which 0 leaves open."""
        self._server = await asyncio.start_server(
            self._take, "127.0.0.1", port, limit=MOST_OF_A_LINE
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server:
            self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def _take(self, reader: StreamReader, writer: StreamWriter) -> None:
        talk = asyncio.create_task(self._talk(reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _talk(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One connection, to its end."""
        try:
            await Session(self, reader, writer).talk()
        except Cut:
            writer.transport.abort()
        except BROKEN:
            pass
        finally:
            writer.close()


class Session:
    def __init__(self, receiver: SmtpServer, reader: StreamReader, writer: StreamWriter):
        self._receiver = receiver
        self._reader = reader
        self._writer = writer
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._lost: Fault | None = None  # what comes instead of the answer to a mail that was taken

    async def talk(self) -> None:
        fault = self._receiver.faults.meet_whole("mail")
        self._lost = fault if fault and fault.effect else None
        if fault and not fault.effect and await self._refused(fault):
            return
        await self._say("220 sandbox ESMTP; delivers to nobody")
        while True:
            verb, _, rest = (await self._line()).decode(errors="replace").strip().partition(" ")
            if verb.upper() == "QUIT":
                await self._say("221 Goodbye")
                return
            if verb.upper() == "DATA":
                await self._data()
            else:
                await self._say(await self._answer(verb.upper(), rest))

    async def _answer(self, verb: str, rest: str) -> str:
        plain: dict[str, Callable[[str], str]] = {"MAIL": self._mail, "RSET": self._reset}
        said = {"HELO": "250 sandbox", "EHLO": HELLO, "NOOP": "250 Well", "VRFY": "252 Try it"}
        if verb in ("HELO", "EHLO"):
            self._reset("")
        if verb == "RCPT":
            return await self._rcpt(rest)
        return plain[verb](rest) if verb in plain else said.get(verb, "502 Not known here")

    def _mail(self, rest: str) -> str:
        match = SENDER.fullmatch(rest)
        if match is None:
            return "501 MAIL FROM:<address> is wanted"
        self._reset("")
        self._sender = match[1]
        return "250 Well"

    async def _rcpt(self, rest: str) -> str:
        match = RECIPIENT.fullmatch(rest)
        if match is None:
            return "501 RCPT TO:<address> is wanted"
        if self._sender is None:
            return "503 MAIL comes first"
        fault = self._receiver.faults.meet_named("mail", match[1])
        if fault and (refusal := await answer_of(fault)):
            return refusal
        self._recipients.append(match[1])
        return "250 Well"

    def _reset(self, rest: str) -> str:
        self._sender, self._recipients = None, []
        return "250 Well"

    async def _data(self) -> None:
        if not self._recipients:
            await self._say("503 RCPT comes first")
            return
        await self._say("354 Go on; end with a dot on a line of its own")
        raw = await self._message()
        if len(raw) > MOST:
            await self._say(f"552 More than {MOST} bytes")
            return
        seq = self._receiver.box.add(self._recipients, raw, self._receiver.clock())
        self._reset("")
        if self._lost is None or not await self._refused(self._lost):
            await self._say(f"250 Kept as number {seq}")

    async def _message(self) -> bytes:
        """The lines to the lonely dot; of what is too long only so much that it is known to be."""
        parts, size = [], 0
        while (line := await self._line()) != b".\r\n":
            size += len(line)
            if size <= MOST + MOST_OF_A_LINE:
                parts.append(line.removeprefix(b"."))
        return b"".join(parts)

    async def _refused(self, fault: Fault) -> bool:
        refusal = await answer_of(fault)
        if refusal:
            await self._say(refusal)
        return bool(refusal)

    async def _line(self) -> bytes:
        return await self._reader.readuntil(b"\r\n")

    async def _say(self, line: str) -> None:
        self._writer.write(f"{line}\r\n".encode())
        await self._writer.drain()


async def answer_of(fault: Fault) -> str:
    """What a fault answers after its delay; empty where it only delays."""
    await asyncio.sleep(fault.delay)
    if fault.status == 0:
        raise Cut
    return f"{fault.status} {fault.body or 'A fault on order'}" if fault.answers else ""
