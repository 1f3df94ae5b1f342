"""Budget of an evaluation: without loops, 173 characters of JMESPath can produce 50 MB."""

from typing import Any

MAX_STEPS = 30_000  # a visit of a node, an item copied, or this many characters:
CHARACTERS_PER_STEP = 16


class ExpressionRefused(ValueError):
    """An expression is invalid or has no result; `value` is the value that caused this, if any."""

    def __init__(self, message: str, *offending: Any) -> None:
        super().__init__(message)
        self.message = message
        self.offending = offending


class OverBudget(ExpressionRefused):
    """The evaluation exceeds its budget of steps."""


class Budget:
    """A count of remaining steps, shared by all evaluations for one message."""

    __slots__ = ("remaining_steps",)

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self.remaining_steps = steps

    def spend(self, steps: int) -> None:
        self.remaining_steps -= steps
        if self.remaining_steps < 0:
            raise OverBudget(f"takes more than {MAX_STEPS} steps to evaluate")

    def spend_characters(self, characters: int) -> None:
        self.spend(characters // CHARACTERS_PER_STEP)

    def spend_on(self, value: Any) -> None:
        """Spend the cost of one value, not including nested values."""
        if isinstance(value, str):
            self.spend_characters(len(value))
        elif isinstance(value, list | dict):
            self.spend(len(value))

    def spend_on_all(self, value: Any) -> None:
        """Spend the cost of a value with nested ones; a list that occurs twice counts twice."""
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
