"""What is filled in for an own endpoint: where it is, what it is called, and which events it gets."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from connectors.wire import dumps
from hub.connections.forms import an_address
from hub.outgoing.bodies import body_of
from hub.outgoing.examples import KnownType
from hub.outgoing.forms import FilterField
from hub.outgoing.models import TYPE_PATTERN, Route
from hub.outgoing.subscribe import overlap

EVERYTHING = "*"
TYPES_MOST, LONGEST = 100, 120  # types of one endpoint, characters of one


class TypesField(forms.CharField):
    """Event types or patterns, by spaces, commas or lines."""

    def clean(self, value: Any) -> list[str]:
        patterns = [pattern for pattern in re.split(r"[\s,]+", super().clean(value)) if pattern]
        for pattern in patterns:
            TYPE_PATTERN(pattern[: LONGEST + 1])
            if len(pattern) > LONGEST:
                raise ValidationError(_("An event type has at most 120 characters."))
        return patterns


class TypesForm(forms.Form):
    """Which events an endpoint gets; what reaches every endpoint anyhow is not offered."""

    types = forms.MultipleChoiceField(required=False, label=_("Events"), widget=forms.CheckboxSelectMultiple)
    others = TypesField(
        required=False, max_length=2000, label=_("Other types"),
        help_text=_("Such as invoice.paid, or everything that begins alike: invoice.*"),
    )  # fmt: skip

    def __init__(
        self, *args: Any, known: Sequence[KnownType], shared: Iterable[Route], chosen: Iterable[str] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        anyhow = [route.event_type for route in shared]
        offered = [type.name for type in known if not any(overlap(pattern, type.name) for pattern in anyhow)]
        self.examples = [
            (type.name, body_of(dumps(type.example))) for type in known if type.name in offered and type.example
        ]
        everything = [] if anyhow else [(EVERYTHING, _("every event, also of types to come"))]
        self.fields["types"].choices = [*everything, *((name, name) for name in offered)]  # type: ignore[attr-defined]
        listed = {value for value, _label in self.fields["types"].choices}  # type: ignore[attr-defined]
        self.initial.setdefault("types", [pattern for pattern in chosen if pattern in listed])
        self.initial.setdefault("others", " ".join(pattern for pattern in chosen if pattern not in listed))

    @property
    def patterns(self) -> list[str]:
        return [*self.cleaned_data.get("types", ()), *self.cleaned_data.get("others", ())]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if len(self.patterns) > TYPES_MOST:
            raise ValidationError(_("Too many types: choose a pattern such as order.* instead."))
        return cleaned


class AddForm(TypesForm):
    field_order = ("url", "name")

    url = forms.CharField(
        max_length=2000, validators=[an_address], label=_("Endpoint URL"),
        widget=forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("HTTPS, reachable from the internet. A signed test is sent before anything is kept."),
    )  # fmt: skip
    name = forms.CharField(max_length=200, label=_("Name"), help_text=_("What you call it here."))
    anyway = forms.BooleanField(required=False, label=_("Keep it although the test did not pass"))


class EventsForm(TypesForm):
    filter = FilterField(
        required=False, max_length=4000, label=_("Filter"),
        help_text=_("JMESPath, such as data.total > `100`. Empty: every event of the types above."),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )  # fmt: skip


class SinceForm(forms.Form):
    """How far back a recovery or a replay goes."""

    HOURS = (("1", _("the last hour")), ("24", _("the last 24 hours")), ("72", _("the last 3 days")),
             ("168", _("the last 7 days")), ("720", _("the last 30 days")))  # fmt: skip

    what = forms.ChoiceField(choices=[("failed", ""), ("missing", "")])
    hours = forms.TypedChoiceField(choices=HOURS, coerce=int, label=_("Since"))
