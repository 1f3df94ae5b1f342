"""`python -m tests.hub.egress.crowd <mode>... `: a pump's way out with every socket at a hostile
  endpoint.

Prints the megabytes that it needed, the seconds of the longest attempt, and the largest answer that
was kept. The endpoints are another process, or their memory would count.
"""

import asyncio
import json
import re
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from connectors.http import Request
from hub.egress import EgressError, EgressRules
from hub.egress.async_client import MAX_SOCKETS, open_async_client
from tests.hub.egress.conftest import Canary
from tests.hub.egress.hostile import Hostile

BODY = b"x" * 1024 * 1024  # of requests to an endpoint that does not read it
SERVES = "serve"


def read_peak_memory():
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


async def measure_attempt(send, address, mode):
    """The seconds of one attempt, and how much of the answer was kept."""
    started_at, kept = time.monotonic(), 0
    with suppress(EgressError):
        answer = await send(Request("POST", address(mode), body=BODY if mode == "deaf" else b"{}"))
        kept = max(len(answer.body), len(str(answer.headers)))
    return time.monotonic() - started_at, kept


async def send_crowd(modes, address, rules, timeout):
    async with open_async_client(rules, clock=lambda: datetime.now(UTC), timeout=timeout) as send:
        await measure_attempt(send, address, "ok")
        before = read_peak_memory()
        attempts = await asyncio.gather(
            *(
                measure_attempt(send, address, modes[turn % len(modes)])
                for turn in range(MAX_SOCKETS)
            )
        )
        seconds, kept = zip(*attempts, strict=True)
        return {
            "megabytes": read_peak_memory() - before,
            "seconds": max(seconds),
            "kept": max(kept),
        }


def main(timeout, *modes):
    serving = [sys.executable, "-m", __spec__.name, SERVES]
    with subprocess.Popen(serving, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        ports = json.loads(server.stdout.readline())
        places = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        canarys = {"never-accepts": "http", "stalls-in-tls": "https"}

        def address(mode):
            scheme = canarys.get(mode)
            return (
                f"{scheme}://{places['canary']}/"
                if scheme
                else f"http://{places['hostile']}/{mode}"
            )

        print(
            json.dumps(
                uvloop.run(
                    send_crowd(
                        modes,
                        address,
                        EgressRules(allow=frozenset(places.values())),
                        float(timeout),
                    )
                )
            )
        )
        server.kill()


def serve():
    canary = Canary()
    with Hostile() as hostile:
        print(json.dumps({"hostile": hostile.port, "canary": canary.port}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    serve() if sys.argv[1:] == [SERVES] else main(*sys.argv[1:])
