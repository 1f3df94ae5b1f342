"""Cells of CSV files: written so that no spreadsheet evaluates one, and read back. Pure."""

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

# A cell that a spreadsheet would evaluate: the sign of a formula, wide or not, alone or after
# characters that a spreadsheet skips or takes for the end of a cell.
FORMULA = re.compile(r"[\t\r\n]|[\s'\"“”,;|]*[=+\-@＝＋－＠−]")


def format_csv_row(values: Iterable[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerow(values)
    return buffer.getvalue()


def escape_formula(value: Any) -> Any:
    """Return the value with an apostrophe in front if a spreadsheet would evaluate it."""
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value


def unescape_formula(text: str) -> str:
    """Revert `escape_formula`."""
    is_escaped = text.startswith("'") and FORMULA.match(text[1:])
    return text[1:] if is_escaped else text
