"""Destinations with the worst manners, on raw sockets; the path of a request picks which."""

import asyncio
import gzip
import socket
import ssl
import struct
import threading

OK = b"HTTP/1.1 200 OK\r\n"
PAUSE = 0.02


async def dripping(writer, start, drop):
    writer.write(start)
    while True:
        writer.write(drop)
        await writer.drain()
        await asyncio.sleep(PAUSE)


async def flooding(writer, start, wave):
    writer.write(start)
    while True:
        writer.write(wave)
        await writer.drain()


async def reset(writer):
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def plain(body, *headers):
    return (
        OK
        + b"".join(line + b"\r\n" for line in headers)
        + b"Content-Length: %d\r\n\r\n" % len(body)
        + body
    )


FIXED = {  # said at once, then closed unless the mode keeps the connection
    "ok": plain(b"fine"),
    "continue-thrice": b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + plain(b"fine"),
    "cookie": plain(b"", b"Set-Cookie: tenant=acme", b"X-Seen: a", b"X-Seen: b"),
    "gzip": plain(gzip.compress(b"0" * 1_000_000), b"Content-Encoding: gzip"),
    "long": plain(b"x" * 200_000),
    "strange-header": plain(b"", b"X-Note: caf\xc3\xa9 \xe2\x80\xae\xff"),
    "lying-length": OK + b"Content-Length: 1000\r\n\r\nshort",
    "broken-chunk": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
    "broken-header": OK + b"X-Good: 1\r\nno colon\r\nContent-Length: 4\r\n\r\nfine",
    "negative-chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello",
    "no-status": b"HTTP/1.1 000 Nothing\r\nContent-Length: 0\r\n\r\n",
    "switching": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
    b"Upgrade\r\n\r\nraw",
    "cut-chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "huge-header": OK + b"X-Big: " + b"x" * 1_000_000 + b"\r\n\r\n",
    "many-headers": OK + b"".join(b"X-%d: x\r\n" % n for n in range(10_000)) + b"\r\n",
    "garbage": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "mute": b"",
    **{
        f"redirect-{status}": b"HTTP/1.1 %d Elsewhere\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"
        % (status, where)
        for status, where in (
            (301, b"http://169.254.169.254/"),
            (302, b"/redirect-302"),
            (303, b"file:///etc/passwd"),
            (307, b"//127.0.0.1/ok"),
            (308, b"http://[::1"),
        )
    },
}
KEEPS = {"ok", "cookie", "long"}
MOVING = {
    "drip-headers": lambda writer: dripping(writer, OK + b"X-Slow: ", b"x"),
    "drip-header-lines": lambda writer: dripping(writer, OK, b"X-Slow: x\r\n"),
    "drip-body": lambda writer: dripping(writer, OK + b"Content-Length: 1000000\r\n\r\n", b"x"),
    "drip-body-open-ended": lambda writer: dripping(writer, OK + b"\r\n", b"x"),
    "silent": lambda writer: asyncio.Event().wait(),
    "continue-flood": lambda writer: flooding(writer, b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "endless": lambda writer: flooding(writer, OK + b"\r\n", b"x" * 65536),
    "endless-chunks": lambda writer: flooding(
        writer, OK + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n"
    ),
    "reset": reset,
}


class Hostile:
    """A server in a thread; `heard` are the heads and bodies of the requests that arrived, `met`
    the connections.
    """

    def __init__(self, tls: ssl.SSLContext | None = None):
        self.tls = tls
        self.heard: list[bytes] = []
        self.met = 0
        self.ready = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.main()))

    def __enter__(self):
        self.thread.start()
        self.ready.wait()
        self.scheme = "https" if self.tls else "http"
        self.place = f"127.0.0.1:{self.port}"
        return self

    def __exit__(self, *error):
        self.loop.call_soon_threadsafe(self.leave.set)
        self.thread.join()

    def url(self, mode, query=""):
        return f"{self.scheme}://{self.place}/{mode}{query}"

    async def main(self):
        self.loop, self.leave, self.tasks = asyncio.get_running_loop(), asyncio.Event(), set()
        server = await asyncio.start_server(self.meet, "127.0.0.1", 0, ssl=self.tls)
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        await self.leave.wait()
        server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks)

    async def meet(self, reader, writer):
        self.met += 1
        self.tasks.add(asyncio.current_task())
        try:
            while await self.answer(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort() if self.leave.is_set() else writer.close()
            self.tasks.discard(asyncio.current_task())

    async def answer(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        if b" /deaf " in head:
            await asyncio.Event().wait()  # what else is sent is never read
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        self.heard.append(head + await reader.readexactly(length))
        mode = head.split(b" ")[1].decode().strip("/").partition("?")[0]
        if mode in MOVING:
            await MOVING[mode](writer)
        writer.write(FIXED.get(mode, b""))
        await writer.drain()
        return mode in KEEPS
