"""The sandbox as a process of its own, and its control."""

import contextlib
import http.client
import json
import os
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.installation.processes import python_command, running, wait_until
from bench.installation.web import free_port

START_WITHIN = 30.0  # seconds
TIMEOUT = 120.0  # seconds of one answer


class Sandbox:
    def __init__(self, port: int) -> None:
        self.place = f"127.0.0.1:{port}"
        self.url = f"http://{self.place}"

    def is_ready(self) -> bool:
        with contextlib.suppress(OSError):
            return bool(self.get("/_control/health"))
        return False

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=TIMEOUT) as answer:
            content: bytes = answer.read()
            return content

    def get_rows(self, path: str) -> list[Any]:
        """Return the documents of an answer that has one a line."""
        return [json.loads(line) for line in self.get(path).splitlines()]

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        request = urllib.request.Request(
            self.url + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return json.loads(answer.read())

    def post_form(self, path: str, values: Mapping[str, str]) -> str:
        """Send a form of a page; return where the person goes then."""
        host, _, port = self.place.partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        try:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", path, urlencode(values), headers)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != 303:
                raise SystemExit(f"the sandbox refuses {path}: {content[:500]!r}")
            return answer.getheader("Location", "")
        finally:
            connection.close()

    def order_fault(self, system: str, **fault: Any) -> None:
        self.post("/_control/faults", {"system": system, **fault})


@contextmanager
def sandbox_process(world: Mapping[str, Any] | None = None) -> Iterator[Sandbox]:
    """Run a sandbox until the end of the block; `world`: its accounts, instead of the built-in."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="hub-bench-sandbox-") as folder:
        environment = os.environ | {
            "HUB_SANDBOX_STATE": folder,
            "HUB_SANDBOX_PORT": str(port),
            "HUB_SANDBOX_SMTP_PORT": str(free_port()),
        }
        if world is not None:
            environment["HUB_SANDBOX_WORLD"] = str(Path(folder) / "world.json")
            Path(environment["HUB_SANDBOX_WORLD"]).write_text(json.dumps(world))
        command = python_command("sandbox")
        with running(command, environment=environment, stdout=sys.stderr):
            sandbox = Sandbox(port)
            wait_until(sandbox.is_ready, within=START_WITHIN, what="the sandbox's first answer")
            yield sandbox
