"""What a bench found, as one line of JSON."""

import json
import operator
from dataclasses import dataclass

WAYS = {"<=": operator.le, ">=": operator.ge, "==": operator.eq}


@dataclass(frozen=True, slots=True)
class Bar:
    """What must hold of a figure: of its ratio to a baseline, or of its value."""

    way: str
    limit: float
    of: str = "value"

    def __str__(self) -> str:
        return f"{self.of} {self.way} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: float
    unit: str
    baseline: float | None = None
    bar: Bar | None = None
    error: str = ""  # why there is no value

    @property
    def ratio(self) -> float | None:
        return self.value / self.baseline if self.baseline else None

    @property
    def holds(self) -> bool:
        """Without a bar it is told for comparison only."""
        if self.error:
            return False
        return self.bar is None or WAYS[self.bar.way](getattr(self, self.bar.of), self.bar.limit)

    def line(self) -> str:
        document = {
            "name": self.name,
            "value": rounded(self.value),
            "unit": self.unit,
            "baseline": rounded(self.baseline),
            "ratio": rounded(self.ratio),
            "bar": self.bar and str(self.bar),
            "holds": self.holds,
        }
        return json.dumps(document | {"error": self.error} if self.error else document)


def rounded(value: float | None) -> float | None:
    """Four digits that mean something."""
    return None if value is None else float(f"{value:.4g}")
