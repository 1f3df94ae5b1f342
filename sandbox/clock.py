"""The type of a clock: seconds since 1970."""

from collections.abc import Callable

Clock = Callable[[], float]
