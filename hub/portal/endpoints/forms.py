"""The forms of a customer's own endpoint: address, event types, filter, headers and rate limit."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundWidget
from django.utils.translation import gettext_lazy as _

from connectors.http import dump_json
from connectors.schema import Field
from hub.connections.forms.connector_fields import build_form_field, validate_address
from hub.connections.models import Connection
from hub.mappings.forms import FilterField
from hub.outgoing.insight.bodies import DisplayBody, build_display_body
from hub.outgoing.insight.examples import KnownEventType
from hub.outgoing.models import TYPE_PATTERN, Route
from hub.outgoing.subscriptions.endpoint_routes import is_overlapping
from hub.portal.endpoints.filter_builder import COMPARISON_CHOICES, build_condition, join_filters

ALL_EVENTS = "*"
FIELD_NAMES = {"event_types": "types"}  # of inputs that have other names in the API
NAME_HELP = _("The name shown on these pages.")
RATE_SETTING = "calls_a_second"  # the setting of an endpoint
MAX_TYPES, MAX_TYPE_LENGTH = 100, 120  # types of one endpoint, characters of one
MAX_PATHS = 200  # values offered for a condition


class TypesField(forms.CharField):
    """A field of event types or patterns, separated by spaces, commas or lines."""

    def clean(self, value: Any) -> list[str]:
        patterns = [pattern for pattern in re.split(r"[\s,]+", super().clean(value)) if pattern]
        for pattern in patterns:
            TYPE_PATTERN(pattern[: MAX_TYPE_LENGTH + 1])
            if len(pattern) > MAX_TYPE_LENGTH:
                raise ValidationError(_("An event type can have at most 120 characters."))
        return patterns


class Leaf(NamedTuple):
    """One event type in the tree: its checkbox, its schema and an example."""

    box: BoundWidget
    type: KnownEventType
    schema: DisplayBody | None
    example: DisplayBody | None


class Branch(NamedTuple):
    """The event types with one prefix; `box` is the checkbox for all, None if it is not offered."""

    name: str
    box: BoundWidget | None
    leaves: list[Leaf]


def extract_type_prefix(type: KnownEventType) -> str:
    return type.name.partition(".")[0]


class EventTypesForm(forms.Form):
    """The event types of an endpoint; types that shared routes already send are not offered."""

    types = forms.MultipleChoiceField(
        required=False, label=_("Events"), widget=forms.CheckboxSelectMultiple
    )
    others = TypesField(
        required=False,
        max_length=2000,
        label=_("Other types"),
        help_text=_("For example invoice.paid, or all types with a prefix: invoice.*"),
    )

    def __init__(
        self,
        *args: Any,
        known_types: Sequence[KnownEventType],
        shared_routes: Iterable[Route],
        selected: Iterable[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        covered_patterns = [route.event_type for route in shared_routes]
        offered_names = [
            type.name
            for type in known_types
            if not any(is_overlapping(pattern, type.name) for pattern in covered_patterns)
        ]
        self.known_types = [type for type in known_types if type.name in offered_names]
        self.paths = list(dict.fromkeys(path for type in self.known_types for path in type.paths))[
            :MAX_PATHS
        ]
        everything = (
            [] if covered_patterns else [(ALL_EVENTS, _("all events, including future types"))]
        )
        prefix_choices = [
            (f"{name}.*", _("all that start with %(name)s") % {"name": name})
            for name in self.prefixes_not_covered(covered_patterns)
        ]
        choices = [*everything, *prefix_choices, *((name, name) for name in offered_names)]
        field = self.fields["types"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = choices
        listed = {value for value, _label in choices}
        self.initial.setdefault("types", [pattern for pattern in selected if pattern in listed])
        self.initial.setdefault(
            "others", " ".join(pattern for pattern in selected if pattern not in listed)
        )

    def prefixes_not_covered(self, covered_patterns: Sequence[str]) -> list[str]:
        """Return the prefixes of several event types of which shared routes send none."""
        group_sizes = [
            (name, len(list(group)))
            for name, group in groupby(self.known_types, extract_type_prefix)
        ]
        shared_prefixes = (name for name, count in group_sizes if count > 1)
        return [
            name
            for name in shared_prefixes
            if not any(is_overlapping(pattern, f"{name}.*") for pattern in covered_patterns)
        ]

    def tree(self) -> tuple[BoundWidget | None, list[Branch]]:
        """Return the checkbox for all events (None if not offered) and the branches."""
        boxes = {box.data["value"]: box for box in self["types"]}
        branches = [
            Branch(
                name, boxes.get(f"{name}.*"), [build_leaf(boxes[type.name], type) for type in group]
            )
            for name, group in groupby(self.known_types, extract_type_prefix)
        ]
        return boxes.get(ALL_EVENTS), branches

    @property
    def patterns(self) -> list[str]:
        return [*self.cleaned_data.get("types", ()), *self.cleaned_data.get("others", ())]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if len(self.patterns) > MAX_TYPES:
            raise ValidationError(_("Too many types. Use a pattern such as order.* instead."))
        return cleaned


def build_leaf(box: BoundWidget, type: KnownEventType) -> Leaf:
    if not type.examples:
        return Leaf(box, type, None, None)
    return Leaf(
        box,
        type,
        build_display_body(dump_json(type.schema)),
        build_display_body(dump_json(type.example)),
    )


class AddEndpointForm(EventTypesForm):
    field_order = ("url", "name")

    url = forms.CharField(
        max_length=2000,
        validators=[validate_address],
        label=_("Endpoint URL"),
        widget=forms.URLInput(
            attrs={"placeholder": "https://", "autocomplete": "off", "spellcheck": "false"}
        ),
        help_text=_(
            "An HTTPS address that is reachable from the internet. A signed test is sent "
            "before anything is saved."
        ),
    )
    name = forms.CharField(max_length=200, label=_("Name"), help_text=NAME_HELP)
    anyway = forms.BooleanField(required=False, label=_("Save it although the test failed"))


class EventSelectionForm(EventTypesForm):
    filter = FilterField(
        required=False,
        max_length=4000,
        label=_("Filter"),
        help_text=_(
            "A JMESPath expression, such as data.total > `100`. Leave empty for all events of "
            "the types above."
        ),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )


class ConditionForm(forms.Form):
    """One condition that is added to the filter."""

    joint = forms.ChoiceField(
        choices=[("and", _("and")), ("or", _("or"))], required=False, label=_("Combine with")
    )
    path = forms.CharField(
        max_length=200,
        label=_("Field of the event"),
        required=False,
        widget=forms.TextInput(
            attrs={"list": "paths", "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    how = forms.ChoiceField(choices=COMPARISON_CHOICES, label=_("Compared"), required=False)
    value = forms.CharField(max_length=200, required=False, strip=False, label=_("Compare with"))

    def extend_filter(self, filter: str) -> str:
        """Return the filter with this condition added.

        Raises ValueError with a sentence for the user if the condition is invalid.
        """
        data = self.cleaned_data
        return join_filters(
            filter,
            data["joint"],
            build_condition(data["path"], data["how"] or COMPARISON_CHOICES[0][0], data["value"]),
        )


class CustomHeadersForm(forms.Form):
    """The custom headers of an endpoint: some to remove, one to set; the connector validates it."""

    drop = forms.MultipleChoiceField(
        required=False, label=_("Remove"), widget=forms.CheckboxSelectMultiple
    )
    name = forms.CharField(
        max_length=64,
        required=False,
        label=_("Name"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("For example X-Team. An existing header gets the new value."),
    )
    value = forms.CharField(
        max_length=2048,
        required=False,
        label=_("Value"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Stored, never shown. Authorization must be 'Basic …' or 'Bearer …'."),
    )

    def __init__(self, *args: Any, names: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["drop"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(name, name) for name in names]
        if not names:
            del self.fields["drop"]

    @property
    def header_to_set(self) -> Mapping[str, str]:
        data = self.cleaned_data
        return {data["name"]: data["value"]} if data["name"] else {}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not data.get("name") and (data.get("value") or not data.get("drop")):
            self.add_error("name", _("Enter the name of a header."))
        return data


class RateLimitForm(forms.Form):
    """The rate limit of an endpoint."""

    def __init__(self, *args: Any, endpoint: Connection, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        definition: Field = next(
            field for field in endpoint.connector.fields if field.key == RATE_SETTING
        )
        self.fields[RATE_SETTING] = build_form_field(
            definition, value=endpoint.settings.get(RATE_SETTING)
        )


class RecoveryForm(forms.Form):
    """The scope (failed or missing deliveries) and the period of a recovery."""

    HOURS = (
        ("1", _("the last hour")),
        ("24", _("the last 24 hours")),
        ("72", _("the last 3 days")),
        ("168", _("the last 7 days")),
        ("720", _("the last 30 days")),
    )

    scope = forms.ChoiceField(choices=[("failed", ""), ("missing", "")])
    hours = forms.TypedChoiceField(choices=HOURS, coerce=int, label=_("Since"))
