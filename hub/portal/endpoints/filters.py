"""A filter that is put together of conditions: what a person chooses, written as JMESPath. Pure."""

import json
import re
from typing import Any

from django.utils.translation import gettext_lazy as _

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

# what stands in the list: how it is written, and whether it compares with a value
COMPARED = {
    "is": (_("is"), "{path} == {value}"),
    "is_not": (_("is not"), "{path} != {value}"),
    "more": (_("is more than"), "{path} > {value}"),
    "least": (_("is at least"), "{path} >= {value}"),
    "less": (_("is less than"), "{path} < {value}"),
    "most": (_("is at most"), "{path} <= {value}"),
    "begins": (_("begins with"), "starts_with(to_string({path} || ''), {value})"),
    "contains": (_("contains"), "contains(to_string({path} || ''), {value})"),
}
ALONE = {
    "there": (_("is there"), "{path} != `null`"),
    "absent": (_("is not there"), "{path} == `null`"),
}
LARGEST = 2**63  # what is larger is no number that a filter can hold
NUMBERS = {"more", "least", "less", "most"}  # JMESPath orders nothing else
TEXTS = {"begins", "contains"}
CHOICES = [(key, label) for key, (label, _written) in (COMPARED | ALONE).items()]


def condition(path: str, how: str, value: str) -> str:
    """One condition. Raises ValueError with a sentence."""
    names = path.split(".")
    if not all(names):
        raise ValueError(_("Name a value of the event, such as data.total."))
    written = ".".join(name if NAME.fullmatch(name) else json.dumps(name) for name in names)
    if how in ALONE:
        return ALONE[how][1].format(path=written)
    return COMPARED[how][1].format(path=written, value=literal(how, value))


def literal(how: str, value: str) -> str:
    """Numbers, true, false and null are themselves, where no text is meant; all else is a text."""
    read: Any = value if how in TEXTS else plain(value)
    if how in NUMBERS and (isinstance(read, bool) or not isinstance(read, int | float)):
        raise ValueError(_("Only numbers are more or less than others."))
    if isinstance(read, str) and not {"'", "\\"} & set(read):
        return f"'{read}'"
    return "`" + json.dumps(read, ensure_ascii=False).replace("`", "\\`") + "`"


def plain(value: str) -> Any:
    try:
        read = json.loads(value, parse_constant=str)
    except (ValueError, RecursionError):
        return value
    endless = isinstance(read, int | float) and not abs(read) < LARGEST
    return value if endless or isinstance(read, dict | list | str) else read


def joined(filter: str, joint: str, added: str) -> str:
    """`joint`: and, or. What was there stays as a whole."""
    if not filter.strip():
        return added
    kept = f"({filter.strip()})" if "|" in filter else filter.strip()
    return f"{kept} {'||' if joint == 'or' else '&&'} {added}"
