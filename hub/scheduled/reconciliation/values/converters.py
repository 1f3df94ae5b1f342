"""Converters: convert a value of either side to a canonical value; equal values get equal bytes.

Canonical values are null, true, false and texts. A value that cannot be converted becomes an
`Unconverted`, which equals only the same unconverted value.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from hub.scheduled.reconciliation.options import FieldRule

Canonical = str | bool | None | list[str]
References = Mapping[tuple[str, str], str]  # (kind, our id) -> their id

MAX_NUMBER_LENGTH = 60  # characters; longer texts are no numbers
MAX_EXPONENT = 40
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_MILLISECONDS_FROM = 10**11  # a larger number of seconds would be after the year 5138
GROUPED_PATTERN = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", re.ASCII)
MONEY_PATTERN = re.compile(
    r"(?P<before>[A-Z]{3})?\s*(?P<amount>[+-]?[0-9][0-9.,]*(?:[eE][+-]?[0-9]+)?)"
    r"\s*(?P<after>[A-Z]{3})?",
    re.ASCII,
)
AMOUNT_NAMES, CURRENCY_NAMES = ("amount", "value"), ("currency", "currency_code")
BOOLEANS = {
    "true": True,
    "yes": True,
    "1": True,
    "on": True,
    "false": False,
    "no": False,
    "0": False,
    "off": False,
}
UNCONVERTED_MARK = "!"  # the first element of the canonical value of an Unconverted


class Unconverted(NamedTuple):
    """A value without a canonical form, and the reason code."""

    reason: str
    text: str

    def canonical(self) -> list[str]:
        return [UNCONVERTED_MARK, self.reason, self.text]


class NotConvertible(ValueError):
    """The value is not of the field's type."""


def convert_local(value: Any, rule: FieldRule, references: References) -> Canonical:
    """Return our value's canonical form, with remote picklist values and references."""
    if rule.type == "picklist" and rule.values:
        return _translate_picklist(value, rule)
    if rule.type == "reference":
        return _translate_reference(value, rule, references)
    return convert_remote(value, rule)


def convert_remote(value: Any, rule: FieldRule) -> Canonical:
    """Return the canonical form of a remote value. Null, an empty text and blanks are the same."""
    if value is None:
        return None
    if isinstance(value, str):
        value = value.strip()
        if not value:
            return None
    try:
        return CONVERTERS[rule.type](value, rule)
    except (ValueError, ArithmeticError):
        return Unconverted("not_convertible", describe_value(value)).canonical()


def is_unconverted(value: Canonical) -> bool:
    return isinstance(value, list)


def describe_value(value: Any) -> str:
    """Return a text form of a JSON value that is equal for equal values."""
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def _translate_picklist(value: Any, rule: FieldRule) -> Canonical:
    text = convert_text(value, rule) if value is not None else None
    if not text:
        return None
    theirs = rule.folded_values.get(text) if rule.ignore_case else rule.values.get(text)
    if theirs is None:
        return Unconverted("picklist_value_unmapped", text).canonical()
    return convert_remote(theirs, rule)


def _translate_reference(value: Any, rule: FieldRule, references: References) -> Canonical:
    if value is None or value == "":
        return None
    local_id = convert_text(value, rule)
    remote_id = references.get((rule.identity, local_id))
    if remote_id is None:
        return Unconverted("identity_missing", local_id).canonical()
    return remote_id


# --- by type --------------------------------------------------------------------------------------


def convert_text(value: Any, rule: FieldRule) -> str:
    """Return a text without outer blanks, in Unicode's composed form, with plain line ends."""
    text = format_scalar(value).strip()
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.casefold() if rule.ignore_case else text


def format_scalar(value: Any) -> str:
    """Return a scalar as text: numbers without needless zeros, other values as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float | Decimal):
        with suppress(NotConvertible):
            return format_decimal(parse_number(value))
    return describe_value(value)


def convert_integer(value: Any, rule: FieldRule) -> str:
    number = parse_number(value)
    if number != number.to_integral_value():
        raise NotConvertible("not a whole number")
    return format_decimal(number)


def convert_decimal(value: Any, rule: FieldRule) -> str:
    """Return a number, or an amount with its currency: `12.50` and 12.5 are both `12.5`."""
    if isinstance(value, Mapping):
        return _convert_money(value)
    if not isinstance(value, str):
        return format_decimal(parse_number(value))
    match = MONEY_PATTERN.fullmatch(value)
    if match is None:
        raise NotConvertible("not a number")
    currency = match["before"] or match["after"] or ""
    if match["before"] and match["after"]:
        raise NotConvertible("two currencies")
    return f"{format_decimal(parse_number(match['amount']))} {currency}".rstrip()


def _convert_money(value: Mapping[str, Any]) -> str:
    """Return the amount of an object such as {"amount": "12.50", "currency": "EUR"}."""
    amounts = [value[name] for name in AMOUNT_NAMES if value.get(name) not in (None, "")]
    currencies = [value[name] for name in CURRENCY_NAMES if value.get(name)]
    if not amounts:
        raise NotConvertible("no amount")
    currency = str(currencies[0]).strip().upper() if currencies else ""
    return f"{format_decimal(parse_number(amounts[0]))} {currency}".rstrip()


def parse_number(value: Any) -> Decimal:
    """Parse a JSON number or a text; commas may group digits. Raises NotConvertible.

    Nothing is rounded: a float is the decimal that a system wrote.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise NotConvertible("not a number")
    text = str(value).strip()
    if len(text) > MAX_NUMBER_LENGTH or "_" in text or not text.isascii():
        raise NotConvertible("not a number")
    if "," in text:
        if not GROUPED_PATTERN.fullmatch(text):
            raise NotConvertible("not a number")
        text = text.replace(",", "")
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise NotConvertible("not a number") from error
    if not number.is_finite() or abs(number.adjusted()) > MAX_EXPONENT:
        raise NotConvertible("not a number of a usual size")
    return number


def format_decimal(number: Decimal) -> str:
    """Return a number without an exponent and without needless zeros; -0 is 0."""
    if not number:
        return "0"
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def convert_boolean(value: Any, rule: FieldRule) -> bool:
    if isinstance(value, bool):
        return value
    text = format_scalar(value).strip().casefold()
    if text not in BOOLEANS:
        raise NotConvertible("neither true nor false")
    return BOOLEANS[text]


def parse_time(value: Any, rule: FieldRule) -> datetime:
    """Parse a time in ISO 8601, or seconds or milliseconds since 1970. Raises NotConvertible.

    A time without an offset, and a date alone, are in the field's zone.
    """
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = float(value)
        seconds = number / 1000 if abs(number) >= EPOCH_MILLISECONDS_FROM else number
        return EPOCH + timedelta(seconds=seconds)
    if not isinstance(value, str):
        raise NotConvertible("not a time")
    at = datetime.fromisoformat(value)
    return at if at.tzinfo else at.replace(tzinfo=rule.time_zone)


def convert_datetime(value: Any, rule: FieldRule) -> str:
    """Return a time in UTC, to the second: systems store different fractions."""
    at = parse_time(value, rule).astimezone(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at.year > 999 else at.isoformat()


def convert_date(value: Any, rule: FieldRule) -> str:
    """Return a date; of a time, the date in the field's zone."""
    if isinstance(value, str) and len(value) == len("YYYY-MM-DD"):
        return date.fromisoformat(value).isoformat()
    return parse_time(value, rule).astimezone(rule.time_zone).date().isoformat()


CONVERTERS: Mapping[str, Callable[[Any, FieldRule], Canonical]] = {
    "text": convert_text,
    "integer": convert_integer,
    "decimal": convert_decimal,
    "boolean": convert_boolean,
    "datetime": convert_datetime,
    "date": convert_date,
    "picklist": convert_text,
    "reference": convert_text,
}
