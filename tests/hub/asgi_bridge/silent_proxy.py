"""A proxy between the product and its database, which can fall silent: it accepts and forwards
nothing.
"""

import socket
import threading
from contextlib import suppress


class SilentProxy:
    """Forwards to host and port until `is_silent`; `close` ends all of its connections."""

    def __init__(self, host, port):
        self.target = (host, port)
        self.is_silent = False
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = self.connect()
                self.sockets += [client, server]
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self.forward, args=pair, daemon=True).start()

    def connect(self):
        host, port = self.target
        if not host.startswith("/"):
            return socket.create_connection(self.target)
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    def forward(self, source, target):
        with suppress(OSError):
            while data := source.recv(65536):
                if not self.is_silent:
                    target.sendall(data)

    def close(self):
        for each in (self.listener, *self.sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
