"""What is filled in for an own endpoint: where it is, what it is called, and which events it gets."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from connectors.parts import Field
from connectors.wire import dumps
from hub.connections.forms import an_address, form_field
from hub.outgoing.bodies import Body, body_of
from hub.outgoing.examples import KnownType
from hub.outgoing.forms import FilterField
from hub.outgoing.models import TYPE_PATTERN, Route
from hub.outgoing.subscribe import overlap
from hub.portal.endpoints.filters import CHOICES, condition, joined

EVERYTHING = "*"
PACE = "calls_a_second"  # the setting of an endpoint
TYPES_MOST, LONGEST = 100, 120  # types of one endpoint, characters of one
PATHS_MOST = 200  # values that are offered for a condition


class TypesField(forms.CharField):
    """Event types or patterns, by spaces, commas or lines."""

    def clean(self, value: Any) -> list[str]:
        patterns = [pattern for pattern in re.split(r"[\s,]+", super().clean(value)) if pattern]
        for pattern in patterns:
            TYPE_PATTERN(pattern[: LONGEST + 1])
            if len(pattern) > LONGEST:
                raise ValidationError(_("An event type has at most 120 characters."))
        return patterns


class Leaf(NamedTuple):
    """One type in the tree, with what it is told by."""

    box: Any
    type: KnownType
    schema: Body | None
    example: Body | None


class Branch(NamedTuple):
    """Types that begin alike; `box` takes all of them, where there are several."""

    name: str
    box: Any
    leaves: list[Leaf]


def beginning(type: KnownType) -> str:
    return type.name.partition(".")[0]


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
        self.known = [type for type in known if type.name in offered]
        self.paths = list(dict.fromkeys(path for type in self.known for path in type.paths))[:PATHS_MOST]
        everything = [] if anyhow else [(EVERYTHING, _("every event, also of types to come"))]
        alike = [(f"{name}.*", _("all that begin with %(name)s") % {"name": name}) for name in self.alike(anyhow)]
        choices = [*everything, *alike, *((name, name) for name in offered)]
        self.fields["types"].choices = choices  # type: ignore[attr-defined]
        listed = {value for value, _label in self.fields["types"].choices}  # type: ignore[attr-defined]
        self.initial.setdefault("types", [pattern for pattern in chosen if pattern in listed])
        self.initial.setdefault("others", " ".join(pattern for pattern in chosen if pattern not in listed))

    def alike(self, anyhow: Sequence[str]) -> list[str]:
        """Beginnings of several types, of which nothing arrives anyhow."""
        counted = [(name, len(list(group))) for name, group in groupby(self.known, beginning)]
        free = (name for name, count in counted if count > 1)
        return [name for name in free if not any(overlap(pattern, f"{name}.*") for pattern in anyhow)]

    def tree(self) -> tuple[Any, list[Branch]]:
        """The box of every event, and the types by how they begin."""
        boxes = {box.data["value"]: box for box in self["types"]}
        branches = [
            Branch(name, boxes.get(f"{name}.*"), [leaf(boxes[type.name], type) for type in group])
            for name, group in groupby(self.known, beginning)
        ]
        return boxes.get(EVERYTHING), branches

    @property
    def patterns(self) -> list[str]:
        return [*self.cleaned_data.get("types", ()), *self.cleaned_data.get("others", ())]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if len(self.patterns) > TYPES_MOST:
            raise ValidationError(_("Too many types: choose a pattern such as order.* instead."))
        return cleaned


def leaf(box: Any, type: KnownType) -> Leaf:
    if not type.examples:
        return Leaf(box, type, None, None)
    return Leaf(box, type, body_of(dumps(type.schema)), body_of(dumps(type.example)))


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


class ConditionForm(forms.Form):
    """One condition, to be written into the filter."""

    joint = forms.ChoiceField(choices=[("and", _("and")), ("or", _("or"))], required=False, label=_("Joined by"))
    path = forms.CharField(
        max_length=200, label=_("Value of the event"), required=False,
        widget=forms.TextInput(attrs={"list": "paths", "autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    how = forms.ChoiceField(choices=CHOICES, label=_("Compared"), required=False)
    value = forms.CharField(max_length=200, required=False, strip=False, label=_("With"))

    def written(self, filter: str) -> str:
        """The filter with this condition in it. Raises ValueError with a sentence."""
        said = self.cleaned_data
        return joined(filter, said["joint"], condition(said["path"], said["how"] or CHOICES[0][0], said["value"]))


class HeadersForm(forms.Form):
    """Own headers: those that go, and one that comes. What may be set, the connector says."""

    drop = forms.MultipleChoiceField(required=False, label=_("Remove"), widget=forms.CheckboxSelectMultiple)
    name = forms.CharField(
        max_length=64, required=False, label=_("Name"), widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Such as X-Team. One that is there already gets the new value."),
    )  # fmt: skip
    value = forms.CharField(
        max_length=2048, required=False, label=_("Value"), strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("It is stored, and never shown. Authorization is 'Basic …' or 'Bearer …'."),
    )  # fmt: skip

    def __init__(self, *args: Any, names: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["drop"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]
        if not names:
            del self.fields["drop"]

    @property
    def put(self) -> Mapping[str, str]:
        said = self.cleaned_data
        return {said["name"]: said["value"]} if said["name"] else {}

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if not said.get("name") and (said.get("value") or not said.get("drop")):
            self.add_error("name", _("Say which header is meant."))
        return said


class PaceForm(forms.Form):
    """How fast it may go."""

    def __init__(self, *args: Any, endpoint: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stated: Field = next(field for field in endpoint.connector.fields if field.key == PACE)
        self.fields[PACE] = form_field(stated, value=endpoint.settings.get(PACE))


class SinceForm(forms.Form):
    """How far back a recovery or a replay goes."""

    HOURS = (("1", _("the last hour")), ("24", _("the last 24 hours")), ("72", _("the last 3 days")),
             ("168", _("the last 7 days")), ("720", _("the last 30 days")))  # fmt: skip

    what = forms.ChoiceField(choices=[("failed", ""), ("missing", "")])
    hours = forms.TypedChoiceField(choices=HOURS, coerce=int, label=_("Since"))
