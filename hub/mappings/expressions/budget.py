"""What an evaluation may cost. JMESPath has no loops, yet 173 characters of it can make 50 MB."""

from typing import Any

STEPS = 30_000  # a visit of a node, an item copied, or this many characters:
CHARACTERS = 16


class Refused(ValueError):
    """Why an expression has no value, and the value that was in the way, if there was one."""

    def __init__(self, message: str, *offending: Any) -> None:
        super().__init__(message)
        self.message = message
        self.offending = offending


class OverBudget(Refused):
    """It takes more steps than there are."""


class Budget:
    """Counts down; one for everything that is worked out for one message."""

    __slots__ = ("left",)

    def __init__(self, steps: int = STEPS) -> None:
        self.left = steps

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise OverBudget(f"takes more than {STEPS} steps to work out")

    def spend_characters(self, characters: int) -> None:
        self.spend(characters // CHARACTERS)

    def spend_on(self, value: Any) -> None:
        """As much as looking at a value costs, not at what is inside."""
        if isinstance(value, str):
            self.spend_characters(len(value))
        elif isinstance(value, list | dict):
            self.spend(len(value))

    def weigh(self, value: Any) -> None:
        """Spend on a value and everything inside, which may be the same few lists over and over."""
        waiting = [value]
        while waiting:
            value = waiting.pop()
            self.spend(1)
            self.spend_on(value)
            if isinstance(value, list):
                waiting.extend(value)
            elif isinstance(value, dict):
                waiting.extend(value.keys())
                waiting.extend(value.values())

    def equal(self, left: Any, right: Any) -> bool:
        if isinstance(left, list | dict) and isinstance(right, list | dict):
            self.weigh(left)
        elif isinstance(left, bool) is not isinstance(right, bool):  # 1 is not true
            return False
        return bool(left == right)
