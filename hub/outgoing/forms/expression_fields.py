"""Form fields for filters, order keys and retry schedules."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from hub.mappings.compiler_cache import compiled_filter
from hub.mappings.translate import CompiledFilter, MappingError

SCHEDULE_MAX_WAITS, SCHEDULE_MAX_WAIT = 30, 7 * 86400  # number, seconds
NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?", re.ASCII)


class FilterField(forms.CharField):
    """A JMESPath expression, cleaned to its text; it is invalid if it does not compile."""

    noun = "filter"

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "data-code": ""})

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        if text:
            _compile_or_reject(text, self.noun)
        return text


class OrderKeyField(FilterField):
    noun = "order key"


def _compile_or_reject(text: str, noun: str) -> CompiledFilter:
    try:
        return compiled_filter(text)
    except MappingError as error:
        raise ValidationError(f"The {noun} {error.message}.") from None


class ScheduleField(forms.CharField):
    """Seconds between attempts, as numbers with commas or spaces."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(f"{wait:g}" for wait in value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[float]:
        waits = re.split(r"[\s,]+", super().clean(value)) if value and value.strip() else []
        if len(waits) > SCHEDULE_MAX_WAITS:
            raise ValidationError(f"At most {SCHEDULE_MAX_WAITS} waits.")
        if invalid := [
            wait
            for wait in waits
            if not NUMBER.fullmatch(wait) or not 1 <= float(wait) <= SCHEDULE_MAX_WAIT
        ]:
            raise ValidationError(
                f"“{invalid[0][:20]}” is not a number of seconds between 1 and "
                f"{SCHEDULE_MAX_WAIT:,} (7 days)."
            )
        return [float(wait) for wait in waits]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial or []) != (data or "").strip())
