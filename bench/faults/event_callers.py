"""Programs that tell events by the API, and keep at each until it was acknowledged, as a careful
sender does.
"""

import http.client
import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench import seed

PATIENCE = 20.0  # seconds for one answer
AGAIN_AFTER = 0.1  # seconds


@dataclass(frozen=True, slots=True)
class Call:
    """A request of a caller, with the sender's id of what it tells."""

    id: str
    path: str
    body: bytes
    headers: Mapping[str, str]


@dataclass
class CallerLog:
    """What one caller saw: seconds of the machine's monotonic clock."""

    acknowledged: dict[str, float] = field(default_factory=dict)  # by the sender's id, in order
    refusals: list[tuple[float, float, int]] = field(
        default_factory=list
    )  # began, lasted, status (0: no answer)


class Caller(threading.Thread):
    """One event after another, at most `per_second`; the next only when the one before was
    acknowledged.
    """

    def __init__(
        self, port: int, key: str, name: str, type: str, tenants: Sequence[str], per_second: int
    ) -> None:
        super().__init__(daemon=True)
        self.place, self.key, self.name_, self.type = ("127.0.0.1", port), key, name, type
        self.tenants, self.per_second = tenants, per_second
        self.log = CallerLog()
        self.over = threading.Event()
        self.line: http.client.HTTPConnection | None = None

    def run(self) -> None:
        number = 0
        while not self.over.wait(1 / self.per_second):
            self.send_until_acknowledged(number)
            number += 1
        self.hang_up()

    def send_until_acknowledged(self, number: int) -> None:
        """Until it is acknowledged: whether one without an answer was stored, only the next answer
        says.
        """
        call = self.build_call(number)
        while not self.over.is_set():
            started = time.monotonic()
            status = self.post(call)
            if 200 <= status < 300:
                self.log.acknowledged[call.id] = time.monotonic()
                return
            self.log.refusals.append((started, time.monotonic() - started, status))
            if 400 <= status < 500:
                raise SystemExit(f"The hub refused what is right: {status}")
            time.sleep(AGAIN_AFTER)

    def build_call(self, number: int) -> Call:
        id = f"{self.name_}-{number}"
        tenant = self.tenants[number % len(self.tenants)]
        document = {"id": id, "type": self.type, "tenant": tenant, "data": seed.order(number)}
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        return Call(id, "/api/v1/events", json.dumps(document).encode(), headers)

    def post(self, call: Call) -> int:
        """Return the status; 0 if there is no answer."""
        try:
            if self.line is None:
                self.line = http.client.HTTPConnection(*self.place, timeout=PATIENCE)
            self.line.request("POST", call.path, call.body, call.headers)
            answer = self.line.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self.hang_up()
            return 0
        return answer.status

    def hang_up(self) -> None:
        if self.line is not None:
            self.line.close()
            self.line = None
