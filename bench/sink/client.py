"""Read what the sink noted."""

import http.client
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request as it came: seconds of the machine's monotonic clock, the outward id, the path,
    the sender's port.
    """

    at: float
    id: str
    path: str
    port: int = 0


class Sink:
    def __init__(self, place: str) -> None:
        self.place = place
        self.url = f"http://{place}"

    def count(self) -> int:
        return int(self._ask("/-/count"))

    def clear(self) -> None:
        self._ask("/-/clear")

    def arrivals(self) -> list[Arrival]:
        return [arrival(line) for line in self._ask("/-/ledger").decode().splitlines()]

    def _ask(self, path: str) -> bytes:
        connection = http.client.HTTPConnection(self.place, timeout=30)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()


def arrival(line: str) -> Arrival:
    at, id, port, path = line.split(" ", 3)
    return Arrival(int(at) / 1e9, id, path, int(port))
