"""The hub's web process as systems meet it: real HTTP, which can be down or lose its answers."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django.db import connections
from django.test import Client

from tests.desk.installation import free_ports

UNAVAILABLE = 503
NOT_PASSED_ON = ("content-length", "content-type", "host", "connection")


class Web:
    """`is_refusing`: it answers 503. `loses_answers`: it processes requests, and answers none."""

    def __init__(self):
        (self.port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.server = None
        self.lock = threading.RLock()  # SQLite in memory has no patience with two writers
        self.is_refusing = self.loses_answers = False

    def start(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), self.build_handler())
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=[0.01])  # seconds
        self.thread.start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.thread.join()
        self.server = None

    @property
    def is_up(self):
        return self.server is not None

    def answer(self, path, headers, body):
        """Return the status and the body of Django's answer."""
        kept = {name: value for name, value in headers.items() if name.lower() not in NOT_PASSED_ON}
        type = headers["Content-Type"]
        with self.lock:
            try:
                answer = Client().post(path, body, content_type=type, headers=kept)
                return answer.status_code, answer.content
            finally:
                connections.close_all()

    def build_handler(web):  # noqa: N805 - `self` is the handler
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = UNAVAILABLE, b""
                if not web.is_refusing:
                    status, answer = web.answer(self.path, self.headers, body)
                if web.loses_answers:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args):
                pass

        return Handler
