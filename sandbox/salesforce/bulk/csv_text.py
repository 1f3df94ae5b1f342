"""CSV as Bulk API 2.0 reads and writes it.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/
datafiles_prepare_csv.htm (2026-11)
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox.salesforce.checks import NUMBERS, Refusal
from sandbox.salesforce.schema import Field

DELIMITERS = {
    "BACKQUOTE": "`",
    "CARET": "^",
    "COMMA": ",",
    "PIPE": "|",
    "SEMICOLON": ";",
    "TAB": "\t",
}
LINE_ENDS = {"LF": "\n", "CRLF": "\r\n"}
NULL = "#N/A"  # of a field that is emptied; one without text is not changed


def check_form(body: dict[str, Any]) -> tuple[str, str]:
    """Return the names of delimiter and line end that a job asks for. Raises Refusal."""
    delimiter, ending = body.get("columnDelimiter", "COMMA"), body.get("lineEnding", "LF")
    if delimiter not in DELIMITERS or ending not in LINE_ENDS:
        raise Refusal(400, "JSON_PARSER_ERROR", "unknown columnDelimiter or lineEnding")
    return delimiter, ending


def write_csv(rows: Iterable[Sequence[str]], delimiter: str, ending: str) -> str:
    text = io.StringIO()
    writer = csv.writer(
        text, delimiter=DELIMITERS[delimiter], lineterminator=LINE_ENDS[ending], quoting=1
    )
    writer.writerows(rows)
    return text.getvalue()


def read_csv(text: str, delimiter: str) -> list[list[str]]:
    """Return the rows, without empty lines. Raises csv.Error."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[delimiter], strict=True)
    return [row for row in reader if row]


def write_value(field: Field, value: Any) -> str:
    """Return a stored value as a query job writes it: numbers have decimals, times end in Z."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if field.type in NUMBERS and field.type != "int":
        return write_number(float(value))
    if field.type == "datetime":
        return f"{datetime.fromisoformat(str(value)):%Y-%m-%dT%H:%M:%S.000Z}"
    return str(value)


def write_number(number: float) -> str:
    """Return a number as Java writes it: 9.9213206E7 from ten millions on, 5.0E-4 below 0.001."""
    if not number or 1e-3 <= abs(number) < 1e7:
        return str(number)
    digits, exponent = f"{Decimal(repr(number)).normalize():E}".split("E")
    return f"{digits if '.' in digits else f'{digits}.0'}E{int(exponent)}"


def read_value(field: Field | None, text: str) -> Any:
    """Return the value of a column of an ingest job, as JSON would have it."""
    if text == NULL:
        return None
    if field is not None and field.type == "boolean":
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    return text
