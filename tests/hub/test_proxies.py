"""The files for proxies in the operators' documentation work as written."""

import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

OPERATORS = Path(__file__).parents[2] / "docs" / "operators.md"
NGINX_FRAME = """daemon off; pid {tmp}/nginx.pid; error_log {tmp}/nginx.log;
events {{ worker_connections 1024; }}
http {{ access_log off; client_body_temp_path {tmp}/body; proxy_temp_path {tmp}/proxy;
fastcgi_temp_path {tmp}/fastcgi; uwsgi_temp_path {tmp}/uwsgi; scgi_temp_path {tmp}/scgi;
{text} }}"""
CLIENT_TLS = ssl._create_unverified_context()
PROGRAM_PATH = os.environ.get("PATH", "") + ":/usr/sbin"  # where Debian puts them


class Upstream(BaseHTTPRequestHandler):
    """Reads the body, and answers with the headers that the proxy sent."""

    def do_GET(self):
        with suppress(ConnectionError):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.answer()

    do_POST = do_GET

    def answer(self):
        body = "\n".join(f"{name.lower()}: {value}" for name, value in self.headers.items())
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *arguments):
        pass


def find_free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def upstream_port():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(params=["nginx", "haproxy"])
def proxy_port(request, tmp_path, upstream_port):
    """The documented file, with the addresses and the certificate of this test."""
    program = shutil.which(request.param, path=PROGRAM_PATH)
    if program is None:
        pytest.skip(f"{request.param} is not installed")
    certificate, port = tmp_path / "hub.pem", find_free_port()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=hub"]
        + ["-keyout", str(certificate), "-out", str(tmp_path / "c.pem")],
        check=True,
        capture_output=True,
    )
    certificate.write_text(certificate.read_text() + (tmp_path / "c.pem").read_text())
    text = re.search(f"```{request.param}\n(.*?)```", OPERATORS.read_text(), re.DOTALL)[1]
    text = text.replace("/etc/ssl/hub.pem", str(certificate))
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{upstream_port}")
    text = text.replace("listen 443", f"listen 127.0.0.1:{port}")
    text = text.replace("bind :443", f"bind 127.0.0.1:{port}")
    config = tmp_path / "proxy.conf"
    is_nginx = request.param == "nginx"
    config.write_text(NGINX_FRAME.format(tmp=tmp_path, text=text) if is_nginx else text)
    process = subprocess.Popen([program, "-c" if is_nginx else "-f", str(config)])
    wait_until_open(port)
    yield port
    process.terminate()
    process.wait(10)


def wait_until_open(port):
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail("the proxy did not start")


def connect(port):
    plain = socket.create_connection(("127.0.0.1", port), timeout=20)
    client = CLIENT_TLS.wrap_socket(plain, do_handshake_on_connect=False)
    try:
        client.do_handshake()
    except OSError:
        client.close()
        raise
    return client


def send(port, **headers):
    client = http.client.HTTPSConnection("127.0.0.1", port, context=CLIENT_TLS, timeout=20)
    client.request("GET", "/", headers={name.replace("_", "-"): headers[name] for name in headers})
    answer = client.getresponse()
    lines = answer.read().decode().splitlines()
    answer.close()
    client.close()
    return answer.status, lines


def test_the_hub_reads_the_callers_address_last_and_https(proxy_port):
    status, lines = send(proxy_port, X_Forwarded_For="203.0.113.9", X_Forwarded_Proto="http")
    forwarded = [line for line in lines if line.startswith("x-forwarded-for")]
    assert status == 200 and "x-forwarded-proto: https" in lines
    assert forwarded[-1].endswith("127.0.0.1") and len(forwarded) == 1


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost:"])
def test_a_connection_without_headers_ends_after_three_seconds(proxy_port, sent):
    started_at = time.monotonic()
    with connect(proxy_port) as client:
        client.sendall(sent)
        while client.recv(4096):
            pass
    assert 2 < time.monotonic() - started_at < 10


def test_a_body_of_nine_mebibytes_is_refused_by_its_length(proxy_port):
    assert send(proxy_port, Content_Length=str(9 * 1024 * 1024))[0] == 413


# wrap_socket of Python 3.11 loses the socket of a connection that HAProxy has ended already
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_address_has_64_connections(proxy_port):
    """Each of them has sent its headers and not its body, so that it counts."""
    with ExitStack() as clients:
        connected = [open_unfinished(proxy_port, clients) for _ in range(80)]
        time.sleep(0.5)
        assert sum(is_waiting(client) for client in connected) == 64


def open_unfinished(port, clients):
    """Send headers without their body; None if the proxy ends the connection before."""
    try:
        client = clients.enter_context(connect(port))
        client.sendall(b"POST / HTTP/1.1\r\nHost: hub\r\nContent-Length: 3\r\n\r\n")
    except OSError:
        return None
    return client


def is_waiting(client):
    """Return whether the proxy has neither answered nor ended the connection."""
    if client is None:
        return False
    client.settimeout(0.05)
    try:
        client.recv(64)
    except TimeoutError:
        return True
    except OSError:
        return False
    return False
