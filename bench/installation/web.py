"""The web server of the Procfile, on a port of its own, for the hub or for another application."""

import http.client
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.installation.processes import ROOT, Process, running, wait_until

HUB = "hub.asgi:application"
WITHIN = 90.0  # seconds, to start, also on a machine that does much else
DEFAULT_LIMITS = {"HUB_LIMITS": ""}  # the limits of tenants and keys, as they are in production


@contextmanager
def serving(application: str = HUB, *, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """The place, "host:port", once it answers; `settings` are of its environment."""
    with web_process(application, settings=settings) as (_, place):
        yield place


@contextmanager
def web_process(
    application: str = HUB, *, settings: Mapping[str, str] | None = None
) -> Iterator[tuple[Process, str]]:
    """The server's first process and its place, "host:port", once it answers."""
    port = free_port()
    environment = environment_of(port) | dict(settings or {})
    with running(command(application), environment=environment, stdout=sys.stderr) as (process,):
        wait_until_it_answers(port)
        yield process, f"127.0.0.1:{port}"


def command(application: str = HUB) -> list[str]:
    """The line of the Procfile, for this application."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    (line,) = (line.partition(":")[2] for line in lines if line.startswith("web:"))
    return ["sh", "-c", f"exec {line.replace(HUB, application)}"]


def environment_of(port: int) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return os.environ | {"HUB_PORT": str(port), "PATH": path}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_it_answers(port: int) -> None:
    wait_until(lambda: answers(port), within=WITHIN, what="the web server's first answer")


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status > 0
    except OSError:
        return False
    finally:
        connection.close()
