"""What tells the time: seconds since 1970."""

from collections.abc import Callable

Clock = Callable[[], float]
