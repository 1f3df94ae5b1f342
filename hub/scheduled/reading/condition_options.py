"""The conditions on records in the options of a job."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from connectors.conditions import LIST_TESTS, NULL_TESTS, TESTS
from hub.scheduled.jobs.option_errors import NOT_A_LIST
from hub.scheduled.jobs.option_schema import (
    ChoiceOption,
    ListOption,
    Option,
    Section,
    TextOption,
)

CONDITIONS_MAX, VALUES_MAX, TEXT_LENGTH_MAX = 20, 100, 255
NUMBER_MAX = 10**18
PATH_PATTERN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}(\.[A-Za-z0-9_]{1,80}){0,5}", re.ASCII)


def _find_value_problems(
    condition: Mapping[str, Any], connector_key: str
) -> Iterator[tuple[str, str]]:
    test, value = condition["is"], condition.get("value")
    values = value if test in LIST_TESTS else [value]
    if test in NULL_TESTS:
        if "value" in condition:
            yield "value", gettext("This belongs to a comparison only.")
    elif not isinstance(values, list) or not 1 <= len(values) <= VALUES_MAX:
        limits = {"least": 1, "most": VALUES_MAX}
        yield "value", gettext(NOT_A_LIST) % limits
    elif not _are_comparable(values):
        yield "value", gettext("This must be text, a number, true or false.")


def _are_comparable(values: Sequence[Any]) -> bool:
    return all(
        0 < len(value) <= TEXT_LENGTH_MAX
        if isinstance(value, str)
        else isinstance(value, int | float) and abs(value) < NUMBER_MAX
        for value in values
    )


CONDITION = Section(
    options=(
        TextOption(
            "field",
            is_required=True,
            is_valid=PATH_PATTERN.fullmatch,
            problem=_("This must be the name of a field, such as customer.name."),
        ),
        ChoiceOption("is", is_required=True, choices=TESTS),
        Option("value"),
    ),
    rule=_find_value_problems,
)


@dataclass(frozen=True, kw_only=True)
class ConditionsOption(ListOption):
    """Conditions that a record must all meet. People enter them as lines of text."""

    entry: Option = CONDITION
    minimum: int = 0
    maximum: int = CONDITIONS_MAX
