"""Functions of expressions: JMESPath's own, counted, and ours, documented by their docstrings.

Ours give null where an argument is null, so that an optional field stays optional; `concat` and
`default` do not.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta, tzinfo
from decimal import Decimal
from html import escape
from typing import Any, TypeVar

from jmespath import functions as stock  # type: ignore[import-untyped]  # no stubs

from connectors.http import encode_json
from hub.mappings.expressions import formats
from hub.mappings.expressions.budget import Budget, ExpressionRefused
from hub.mappings.expressions.output import Output

Number = int | float | Decimal
Lookup = Callable[[str, str], str | None]
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

CALL_STEPS = 5  # steps; a call takes several times as long as a visit
PATTERN_MAX_LENGTH = 100
UNITS = {"minutes": 60, "hours": 3600, "days": 86400, "weeks": 604800}


class IdentityMissing(Exception):
    """A record that an expression looks up, by our id or the remote one, has no identity."""

    def __init__(self, kind: str, value: str) -> None:
        super().__init__(kind, value)
        self.kind = kind
        self.value = value

    # Stored as the detail of held deliveries, and parsed from there: if the text changes, `parse`
    # must still read this one.
    def __str__(self) -> str:
        return f"no identity of kind {self.kind[:100]} is known for {self.value[:100]}"

    @staticmethod
    def parse(detail: str) -> tuple[str, str] | None:
        """Return the kind and value in the text of this exception; None for any other text."""
        before, _, value = detail.partition(" is known for ")
        _, _, kind = before.partition("no identity of kind ")
        return (kind, value) if kind and value else None


class IdentitySkipped(IdentityMissing):
    """No identity exists, and the connection's fallback is to skip the record.

    `explanation` is the text that a person entered with the fallback.
    """

    def __init__(self, kind: str, value: str, explanation: str) -> None:
        super().__init__(kind, value)
        self.explanation = explanation

    def __str__(self) -> str:
        return f"{super().__str__()}: {self.explanation}"


def declare_arguments(*kinds: str, variadic: bool = False) -> Callable[[FunctionT], FunctionT]:
    """Declare the types of each argument: "number string" allows either, "" allows any."""
    arguments: list[dict[str, Any]] = [{"types": kind.split()} for kind in kinds]
    arguments[-1]["variadic"] = variadic
    decorated: Callable[[FunctionT], FunctionT] = stock.signature(*arguments)
    return decorated


class Functions(stock.Functions):  # type: ignore[misc]  # jmespath has no types
    def __init__(self, budget: Budget, zone: tzinfo, look_up_identity: Lookup) -> None:
        self.budget = budget
        self._zone = zone
        self._look_up_identity = look_up_identity

    def call_function(self, function_name: str, resolved_args: list[Any]) -> Any:
        self.budget.spend(CALL_STEPS)
        for argument in resolved_args:
            self.budget.spend_on(argument)
        if function_name in NULL_PRESERVING and any(argument is None for argument in resolved_args):
            return None
        return super().call_function(function_name, resolved_args)

    def _get_allowed_pytypes(self, types: Sequence[str]) -> tuple[list[str], list[Any]]:
        """Return the names of Python's types, in which a number may be a Decimal, too."""
        allowed, subtypes = super()._get_allowed_pytypes(types)
        if "number" in types:
            allowed.append("Decimal")
        return allowed, [(*names, "Decimal") if "float" in names else names for names in subtypes]

    def _convert_to_jmespath_type(self, pyobject: str) -> str:
        name: str = super()._convert_to_jmespath_type(pyobject)
        return "number" if pyobject == "Decimal" else name

    # --- JMESPath's, in decimal arithmetic --------------------------------------------------------

    @declare_arguments("array-number")
    def _func_sum(self, numbers: list[Number]) -> Number:
        return formats.convert_to_number(formats.sum_decimals(numbers))

    @declare_arguments("array-number")
    def _func_avg(self, numbers: list[Number]) -> Number | None:
        total, count = formats.sum_decimals(numbers), Decimal(len(numbers))
        if not count:
            return None
        return formats.convert_to_number(formats.DECIMAL_CONTEXT.divide(total, count))

    @declare_arguments("")
    def _func_type(self, value: Any) -> str:
        name: str = "number" if isinstance(value, Decimal) else super()._func_type(value)
        return name

    @declare_arguments("")
    def _func_to_number(self, value: Any) -> Number | None:
        if not isinstance(value, str):
            is_number = isinstance(value, Number) and not isinstance(value, bool)
            return value if is_number else None
        try:
            return formats.convert_to_number(formats.parse_decimal(value))
        except ExpressionRefused:
            return None

    # --- JMESPath's, where their work is not in proportion to their arguments ---------------------

    @declare_arguments("")
    def _func_to_string(self, value: Any) -> str:
        return value if isinstance(value, str) else self._json(value)

    @declare_arguments("array string", "")
    def _func_contains(self, subject: list[Any] | str, search: Any) -> bool:
        if isinstance(subject, str):
            return isinstance(search, str) and search in subject
        return any(self.budget.is_equal(element, search) for element in subject)

    @declare_arguments("string", "array-string")
    def _func_join(self, separator: str, texts: list[str]) -> str:
        self.budget.spend_characters(sum(map(len, texts)) + len(separator) * len(texts))
        return separator.join(texts)

    # --- text -------------------------------------------------------------------------------------

    @declare_arguments("string")
    def _func_upper(self, text: str) -> str:
        """upper('abc') → "ABC"."""
        return text.upper()

    @declare_arguments("string")
    def _func_escape(self, text: str) -> str:
        """escape('<!channel> & co') → "&lt;!channel&gt; &amp; co": a customer's text in a Slack
        message stays text.
        """
        return escape(text, quote=False)

    @declare_arguments("string")
    def _func_lower(self, text: str) -> str:
        """lower('ABC') → "abc"."""
        return text.lower()

    @declare_arguments("string")
    def _func_trim(self, text: str) -> str:
        """trim('  abc ') → "abc"."""
        return text.strip()

    @declare_arguments("string", "string", "string")
    def _func_replace(self, text: str, old: str, new: str) -> str:
        """replace('a-b-c', '-', '.') → "a.b.c"; the old text is plain, not a pattern."""
        if not old:
            raise ExpressionRefused("replace() needs a text to search for", old)
        self.budget.spend_characters(len(text) + text.count(old) * len(new))
        return text.replace(old, new)

    @declare_arguments("string", "string")
    def _func_split(self, text: str, separator: str) -> list[str]:
        """split('a,b', ',') → ["a", "b"]."""
        if not separator:
            raise ExpressionRefused("split() needs a separator", separator)
        self.budget.spend(text.count(separator))
        return text.split(separator)

    @declare_arguments("string", "number")
    def _func_truncate(self, text: str, length: Number) -> str:
        """truncate('Hello world', `6`) → "Hello…": at most that many characters, the ellipsis
        included.
        """
        if not isinstance(length, int) or length < 1:
            raise ExpressionRefused(
                "truncate() needs a whole number of at least 1 as length", length
            )
        return text if len(text) <= length else text[: length - 1] + "…"

    @declare_arguments("")
    def _func_text(self, value: Any) -> str:
        """text(`1e21`) → "1000000000000000000000": numbers never scientific, lists and objects as
        JSON.
        """
        if isinstance(value, str):
            return value
        if isinstance(value, Number) and not isinstance(value, bool):
            return formats.format_plain_number(value)
        return self._json(value)

    @declare_arguments("", variadic=True)
    def _func_concat(self, *values: Any) -> str:
        """concat('Order ', `7`, null) → "Order 7": everything as text, null as nothing."""
        return "".join(self._func_text(value) for value in values if value is not None)

    @declare_arguments("", "")
    def _func_default(self, value: Any, other: Any) -> Any:
        """default(nickname, 'friend') → "friend" where nickname is null or empty text; 0 and false
        are kept.
        """
        return other if value is None or value == "" else value

    # --- numbers; texts that hold a number are taken too ------------------------------------------

    @declare_arguments("number string", "number string")
    def _func_add(self, first: Number | str, second: Number | str) -> Number:
        """add(`0.1`, `0.2`) → 0.3: decimal, as on paper."""
        return formats.convert_to_number(
            formats.DECIMAL_CONTEXT.add(formats.parse_decimal(first), formats.parse_decimal(second))
        )

    @declare_arguments("number string", "number string")
    def _func_subtract(self, first: Number | str, second: Number | str) -> Number:
        """subtract(`3`, `1`) → 2."""
        return formats.convert_to_number(
            formats.DECIMAL_CONTEXT.subtract(
                formats.parse_decimal(first), formats.parse_decimal(second)
            )
        )

    @declare_arguments("number string", "number string")
    def _func_multiply(self, first: Number | str, second: Number | str) -> Number:
        """multiply('19.99', `3`) → 59.97."""
        return formats.convert_to_number(
            formats.DECIMAL_CONTEXT.multiply(
                formats.parse_decimal(first), formats.parse_decimal(second)
            )
        )

    @declare_arguments("number string", "number string")
    def _func_divide(self, dividend: Number | str, divisor_text: Number | str) -> Number:
        """divide(`1999`, `100`) → 19.99."""
        divisor = formats.parse_decimal(divisor_text)
        if not divisor:
            raise ExpressionRefused("divide() cannot divide by zero", dividend)
        return formats.convert_to_number(
            formats.DECIMAL_CONTEXT.divide(formats.parse_decimal(dividend), divisor)
        )

    @declare_arguments("number string", "number")
    def _func_round(self, value: Number | str, digits: Number) -> Number:
        """round(`2.345`, `2`) → 2.35: half away from zero."""
        return formats.convert_to_number(formats.round_decimal(value, digits))

    @declare_arguments("number string", "number")
    def _func_format_number(self, value: Number | str, digits: Number) -> str:
        """format_number(`1234.5`, `2`) → "1234.50", for systems: no separators."""
        return f"{formats.round_decimal(value, digits):f}"

    @declare_arguments("number string", "string")
    def _func_money(self, amount: Number | str, currency: str) -> str:
        """money(`1234.5`, 'EUR') → "1,234.50 EUR", for people: with the currency's own number of
        decimals.
        """
        return formats.format_money(amount, currency)

    # --- dates: text in ISO 8601 or seconds since 1970; shown in the tenant's zone ----------------

    @declare_arguments("string number", "string")
    def _func_format_date(self, value: str | Number, pattern: str) -> str:
        """format_date(occurred_at, 'D MMM YYYY, HH:mm') → "1 Oct 2026, 14:00".

        YYYY YY · MMMM MMM MM M · DD D · dddd ddd · HH H hh h A · mm · ss · SSS · Z ZZ;
        [text in brackets] stays.
        """
        if len(pattern) > PATTERN_MAX_LENGTH or "%" in pattern:
            raise ExpressionRefused(
                "format_date() takes a short pattern such as YYYY-MM-DD HH:mm", pattern
            )
        self.budget.spend(len(pattern) // 4)
        return formats.format_date(formats.parse_moment(value, self._zone), pattern)

    @declare_arguments("string number")
    def _func_to_zone(self, value: str | Number) -> str:
        """to_zone('2026-10-01T12:00:00Z') → "2026-10-01T14:00:00+02:00"."""
        return formats.parse_moment(value, self._zone).isoformat()

    @declare_arguments("string number")
    def _func_epoch(self, value: str | Number) -> Number:
        """epoch('2026-10-01T12:00:00Z') → 1790856000: seconds, to the millisecond where there is a
        fraction.
        """
        seconds = round(formats.parse_moment(value, self._zone).timestamp(), 3)
        return int(seconds) if seconds.is_integer() else seconds

    @declare_arguments("string number", "number", "string")
    def _func_date_add(self, value: str | Number, amount: Number, unit: str) -> str:
        """date_add(occurred_at, `7`, 'days') → ISO text; minutes, hours by the clock, days, weeks
        by the calendar.
        """
        if unit not in UNITS:
            raise ExpressionRefused("date_add() takes minutes, hours, days or weeks", unit)
        step = timedelta(seconds=float(amount * UNITS[unit]))
        at = formats.parse_moment(value, self._zone)
        return formats.add_step(at, step, by_calendar=unit in ("days", "weeks")).isoformat()

    # --- identities -------------------------------------------------------------------------------

    @declare_arguments("string", "string number")
    def _func_identity(self, kind: str, value: str | Number) -> str:
        """identity('user', data.owner_id) → their id of our user, on the connection that is written
        to.
        """
        local_id = value if isinstance(value, str) else formats.format_plain_number(value)
        Output().copy_plain([kind, local_id])  # PostgreSQL rejects it in a query
        remote_id = self._look_up_identity(kind, local_id)
        if remote_id is None:
            raise IdentityMissing(kind, local_id)
        return remote_id

    def _json(self, value: Any) -> str:
        self.budget.spend_on_all(value)
        return encode_json(value)


NULL_PRESERVING = (
    frozenset(Functions.FUNCTION_TABLE)
    - frozenset(stock.Functions.FUNCTION_TABLE)
    - {"concat", "default"}
)
