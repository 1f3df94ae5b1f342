"""Formats of numbers and times for the functions of expressions."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation, Overflow

from connectors.http import narrow_decimal
from hub.mappings.expressions.budget import ExpressionRefused

Number = int | float | Decimal

# --- numbers --------------------------------------------------------------------------------------

# beyond 1e40 it raises Overflow: repeated squaring must not make a number of a million digits
DECIMAL_CONTEXT = Context(
    prec=34,
    rounding=ROUND_HALF_UP,
    Emin=-40,
    Emax=40,
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
MAX_DIGITS = 10

DECIMALS_BY_CURRENCY = {  # ISO 4217; all others have 2
    **dict.fromkeys(["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"], 0),
    **dict.fromkeys(["PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"], 0),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}
CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


def parse_decimal(value: Number | str) -> Decimal:
    try:
        decimal = DECIMAL_CONTEXT.create_decimal(
            value.strip() if isinstance(value, str) else str(value)
        )
    except (InvalidOperation, Overflow) as error:
        raise ExpressionRefused("is not a number, or is too large", value) from error
    if not decimal.is_finite():
        raise ExpressionRefused("is not a number, or is too large", value)
    return decimal


def convert_to_number(value: Decimal) -> Number:
    return int(value) if value == value.to_integral_value() else narrow_decimal(value)


def sum_decimals(numbers: Iterable[Number]) -> Decimal:
    total = Decimal()
    for number in numbers:
        total = DECIMAL_CONTEXT.add(total, parse_decimal(number))
    return total


def round_decimal(value: Number | str, digits: Number) -> Decimal:
    if not isinstance(digits, int) or not 0 <= digits <= MAX_DIGITS:
        raise ExpressionRefused(f"digits must be a whole number from 0 to {MAX_DIGITS}", digits)
    cut = DECIMAL_CONTEXT.quantize(parse_decimal(value), Decimal(1).scaleb(-digits))
    return DECIMAL_CONTEXT.add(cut, Decimal(0))  # no -0.00


def format_plain_number(value: Number) -> str:
    """Format a number without an exponent."""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return f"{parse_decimal(value):f}"


def format_money(amount: Number | str, currency: str) -> str:
    code = currency.strip().upper()
    if not CURRENCY.fullmatch(code):
        raise ExpressionRefused("a currency must have three letters, such as EUR", currency)
    return f"{round_decimal(amount, DECIMALS_BY_CURRENCY.get(code, 2)):,f} {code}"


# --- moments --------------------------------------------------------------------------------------

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# strftime's depend on the locale
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def parse_moment(value: str | Number, zone: tzinfo) -> datetime:
    """Parse a time: a date alone is midnight in the zone; a time without an offset is UTC."""
    if not isinstance(value, str):
        return (EPOCH + timedelta(seconds=float(value))).astimezone(zone)
    try:
        if len(value) == len("YYYY-MM-DD"):
            return datetime.combine(date.fromisoformat(value), time.min, zone)
        at = datetime.fromisoformat(value)
    except ValueError as error:
        raise ExpressionRefused("is not a date in ISO 8601", value) from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(zone)


def add_step(at: datetime, step: timedelta, *, by_calendar: bool) -> datetime:
    """Add days and weeks by the calendar, so that noon stays noon when the clocks change; add hours
    and minutes by elapsed time.
    """
    return at + step if by_calendar else (at.astimezone(UTC) + step).astimezone(at.tzinfo)


def _format_offset(at: datetime) -> str:
    return at.strftime("%z")[:5]


# longest first, as the pattern below tries them
TOKENS: dict[str, Callable[[datetime], str]] = {
    "YYYY": lambda at: f"{at.year:04}",
    "MMMM": lambda at: MONTHS[at.month - 1],
    "dddd": lambda at: DAYS[at.weekday()],
    "MMM": lambda at: MONTHS[at.month - 1][:3],
    "ddd": lambda at: DAYS[at.weekday()][:3],
    "SSS": lambda at: f"{at.microsecond // 1000:03}",
    "YY": lambda at: f"{at.year % 100:02}",
    "MM": lambda at: f"{at.month:02}",
    "DD": lambda at: f"{at.day:02}",
    "HH": lambda at: f"{at.hour:02}",
    "hh": lambda at: f"{at.hour % 12 or 12:02}",
    "mm": lambda at: f"{at.minute:02}",
    "ss": lambda at: f"{at.second:02}",
    "ZZ": _format_offset,
    "M": lambda at: str(at.month),
    "D": lambda at: str(at.day),
    "H": lambda at: str(at.hour),
    "h": lambda at: str(at.hour % 12 or 12),
    "A": lambda at: "AM" if at.hour < 12 else "PM",
    "Z": lambda at: f"{_format_offset(at)[:3]}:{_format_offset(at)[3:]}",
}
TOKEN = re.compile(rf"\[(?P<literal>[^\]]*)\]|{'|'.join(TOKENS)}")


def format_date(at: datetime, pattern: str) -> str:
    def replace_token(match: re.Match[str]) -> str:
        literal = match["literal"]
        return TOKENS[match[0]](at) if literal is None else literal

    return TOKEN.sub(replace_token, pattern)
