"""What an evaluation may cost. JMESPath has no loops, yet 173 characters of it can make 50 MB."""

from typing import Any

MAX_STEPS = 30_000  # a visit of a node, an item copied, or this many characters:
CHARACTERS_PER_STEP = 16


class ExpressionRefused(ValueError):
    """Why an expression has no value, and the value that was in the way, if there was one."""

    def __init__(self, message: str, *offending: Any) -> None:
        super().__init__(message)
        self.message = message
        self.offending = offending


class OverBudget(ExpressionRefused):
    """It takes more steps than there are."""


class Budget:
    """Counts down; one for everything that is worked out for one message."""

    __slots__ = ("remaining_steps",)

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self.remaining_steps = steps

    def spend(self, steps: int) -> None:
        self.remaining_steps -= steps
        if self.remaining_steps < 0:
            raise OverBudget(f"takes more than {MAX_STEPS} steps to work out")

    def spend_characters(self, characters: int) -> None:
        self.spend(characters // CHARACTERS_PER_STEP)

    def spend_on(self, value: Any) -> None:
        """As much as looking at a value costs, not at what is inside."""
        if isinstance(value, str):
            self.spend_characters(len(value))
        elif isinstance(value, list | dict):
            self.spend(len(value))

    def spend_on_all(self, value: Any) -> None:
        """Spend on a value and everything inside, which may be the same few lists over and over."""
        pending = [value]
        while pending:
            value = pending.pop()
            self.spend(1)
            self.spend_on(value)
            if isinstance(value, list):
                pending.extend(value)
            elif isinstance(value, dict):
                pending.extend(value.keys())
                pending.extend(value.values())

    def is_equal(self, first: Any, second: Any) -> bool:
        if isinstance(first, list | dict) and isinstance(second, list | dict):
            self.spend_on_all(first)
        elif isinstance(first, bool) is not isinstance(second, bool):  # 1 is not true
            return False
        return bool(first == second)
