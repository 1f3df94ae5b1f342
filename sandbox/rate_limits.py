"""Rate limits of a system. Pure: the time is an argument."""

from collections import deque


class RateLimiter:
    """So many calls per second on average, and `burst` at once. Keys do not share."""

    def __init__(self) -> None:
        self._arrivals: dict[tuple[str, ...], float] = {}

    def wait(self, key: tuple[str, ...], at: float, *, per_second: float, burst: float) -> float:
        """0 when the call may go (and is counted), else the seconds until one may."""
        due = max(self._arrivals.get(key, at), at)
        wait = due - at - (burst - 1) / per_second
        if wait > 1e-9:
            return wait
        self._arrivals[key] = due + 1 / per_second
        return 0.0


class RollingCount:
    """How many calls the last `seconds` have seen."""

    def __init__(self, seconds: float):
        self._seconds = seconds
        self._times: deque[float] = deque()

    def at(self, at: float) -> int:
        while self._times and self._times[0] <= at - self._seconds:
            self._times.popleft()
        return len(self._times)

    def add(self, at: float) -> int:
        self._times.append(at)
        return self.at(at)
