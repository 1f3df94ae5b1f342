"""A receiver of webhooks on a free port: it keeps what it gets, and answers as it is told."""

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Caught:
    path: str
    headers: Any
    body: bytes


@dataclass
class Receiver:
    """`answers` are used up one after another: status, headers and body; the last one stays.

    An answer may also be a function of the request.
    """

    caught: list = field(default_factory=list)
    answers: list = field(default_factory=lambda: [(200, {}, b"")])
    delay: float = 0
    url: str = ""

    def wait(self, count, seconds=20):
        """Return what was caught, once it is that many."""
        end = time.monotonic() + seconds
        while len(self.caught) < count and time.monotonic() < end:
            time.sleep(0.01)
        assert len(self.caught) >= count, self.caught
        return self.caught

    def answer(self, request):
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        return answer(request) if callable(answer) else answer


@contextmanager
def running_receiver():
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Caught(self.path, self.headers, body)
            receiver.caught.append(request)
            time.sleep(receiver.delay)
            status, headers, answer = receiver.answer(request)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(answer)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=[0.01])  # seconds
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
