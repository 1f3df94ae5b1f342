"""The figures that a query returned: rows of exact numbers. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from connectors.http import Json

MAX_ROWS, MAX_MEASURES = 200, 12
MAX_LABEL_LENGTH, MAX_NAME_LENGTH = 80, 30  # characters, of a row and of a measure
MAX_MAGNITUDE = Decimal(10) ** 30  # a greater number is not a figure of a business


class FigureInvalid(ValueError):
    """A system returned a value that is not a number, or an impossible one."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One column of numbers. `is_additive`: whether its rows may be summed."""

    name: str
    is_additive: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    values: tuple[Decimal | None, ...]  # one for each measure; None: the system has none


@dataclass(frozen=True, slots=True)
class Figures:
    """A table of figures; `heading` is that of the labels. `left_out`: rows beyond MAX_ROWS."""

    heading: str
    measures: tuple[Measure, ...]
    rows: tuple[Row, ...]
    left_out: int = 0

    @property
    def is_empty(self) -> bool:
        """Return whether all numbers are 0 or missing."""
        return not any(value for row in self.rows for value in row.values)

    @property
    def totals(self) -> tuple[Decimal | None, ...]:
        """Return the sum of each additive measure; None for the others."""
        columns = [[row.values[position] for row in self.rows] for position in self.positions]
        return tuple(
            sum((value or Decimal() for value in column), Decimal())
            if measure.is_additive
            else None
            for measure, column in zip(self.measures, columns, strict=True)
        )

    @property
    def positions(self) -> range:
        return range(len(self.measures))

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON for the cursor of a run; numbers are text, so they stay exact."""
        return {
            "heading": self.heading,
            "measures": [[measure.name, measure.is_additive] for measure in self.measures],
            "rows": [[row.label, *map(write_figure, row.values)] for row in self.rows],
            "left_out": self.left_out,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Figures":
        return cls(
            document["heading"],
            tuple(Measure(name, is_additive) for name, is_additive in document["measures"]),
            tuple(Row(label, tuple(map(parse_figure, row))) for label, *row in document["rows"]),
            document["left_out"],
        )


def build_figures(heading: str, measures: Sequence[Measure], rows: Sequence[Row]) -> Figures:
    """Build figures of the first MAX_ROWS rows, with labels that fit a line.

    Raises FigureInvalid if there are more than MAX_MEASURES, such as currencies.
    """
    if len(measures) > MAX_MEASURES:
        raise FigureInvalid(f"there are more than {MAX_MEASURES} columns of figures")
    named = [replace(one, name=clean_label(one.name, MAX_NAME_LENGTH)) for one in measures]
    shown_rows = [replace(row, label=clean_label(row.label)) for row in rows[:MAX_ROWS]]
    return Figures(heading, tuple(named), tuple(shown_rows), len(rows) - len(shown_rows))


def parse_figure(value: Json) -> Decimal | None:
    """Return a number exactly as it was written; None for null. Raises FigureInvalid."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise FigureInvalid(f"{type(value).__name__} is not a number")
    try:
        number = Decimal(_write_float(value) if isinstance(value, float) else value)
    except (InvalidOperation, ValueError):
        raise FigureInvalid(f"{str(value)[:40]!r} is not a number") from None
    if not number.is_finite() or abs(number) > MAX_MAGNITUDE:
        raise FigureInvalid("the number is not finite, or too great")
    return number


def clean_currency(value: Json) -> str:
    """Return the code of a currency, the same in upper and lower case; "" if there is none."""
    return "" if value is None else str(value).strip().upper()


def list_currency_measures(currencies: Iterable[str]) -> list[Measure]:
    """Return a column for each currency, in this order; an absent one is named so."""
    return [Measure(currency or _("No currency")) for currency in currencies]


def clean_label(value: object, maximum: int = MAX_LABEL_LENGTH) -> str:
    """Return a label as one line of printable characters; a dash if nothing is left."""
    text = "".join(character if character.isprintable() else " " for character in str(value))
    text = " ".join(text.split())
    return f"{text[: maximum - 1]}…" if len(text) > maximum else text or "–"


def format_figure(value: Decimal | None) -> str:
    """Return a number for people: “1,234.50”, a whole one without decimals, a dash for None."""
    if value is None:
        return "–"
    if value == value.to_integral_value():
        return f"{value.to_integral_value():,f}"
    return f"{value:,.2f}"


def _write_float(value: float) -> str:
    """Return a float as it was written in JSON, a whole one without its decimal."""
    return repr(int(value)) if value.is_integer() else repr(value)


def write_figure(value: Decimal | None) -> str | None:
    """Return a number exactly, as plain text without superfluous zeros; None for None."""
    if value is None:
        return None
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
