"""The form for the options of a job, for people who do not write JSON: a field for each label."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from connectors.registry import CONNECTORS
from hub.mappings.missing_paths import get_value_at_path
from hub.number_texts import format_rounded, format_whole
from hub.reason_codes import translate_text
from hub.scheduled.forms.conditions import ConditionsField
from hub.scheduled.jobs.kinds import JOB_KINDS
from hub.scheduled.jobs.option_errors import REQUIRED
from hub.scheduled.jobs.option_schema import (
    ChoiceOption,
    ChoicesOption,
    FlagOption,
    KindSection,
    Label,
    ListOption,
    NumberOption,
    Option,
    Path,
    Section,
    TextOption,
    walk_options,
)
from hub.scheduled.reading.condition_options import ConditionsOption

PREFIX = "option"
PRESENCE_PARAMETER = f"{PREFIX}-present"  # in the data of a page that shows the fields
EMPTY_ROWS_OFFERED = 3
PERCENT = 100
CONDITIONS_TEXT_MAX = 20_000  # characters
CONDITIONS_HELP = _(
    "A condition on each line: Number is not null, Stage != Closed, Stage in Won, Lost. Texts are "
    "compared without case."
)
Options = dict[str, Any]


class PercentField(forms.IntegerField):
    """A share, entered in percent."""

    def prepare_value(self, value: Any) -> Any:
        is_stored = isinstance(value, int | float)  # what is submitted is text
        return round(value * PERCENT) if is_stored else value

    def clean(self, value: Any) -> Any:
        percent = super().clean(value)
        return percent if percent is None else percent / PERCENT

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(super().has_changed(self.prepare_value(initial), data))


def build_field(option: Option, connector_key: str, stored: Any = None) -> forms.Field:
    """Return the form field of an option; a stored value remains possible in any case."""
    settings: dict[str, Any] = {
        "label": option.label,
        "help_text": option.help,
        "required": option.is_required,
    }
    if isinstance(option, FlagOption):
        return forms.BooleanField(**settings, initial=option.default)
    if isinstance(option, ChoiceOption):
        return _build_choice_field(option, connector_key, stored, settings)
    if isinstance(option, NumberOption):
        return _build_number_field(option, settings)
    if isinstance(option, ConditionsOption):
        settings["help_text"] = CONDITIONS_HELP
        return ConditionsField(max_length=CONDITIONS_TEXT_MAX, **settings)
    assert isinstance(option, TextOption)
    return forms.CharField(max_length=option.maximum, **settings)


def _build_choice_field(
    option: ChoiceOption, connector_key: str, stored: Any, settings: Mapping[str, Any]
) -> forms.Field:
    offered = option.list_offered(connector_key)
    choices = [(value, _translate_label(label)) for value, label in offered.items()]
    initial = "" if "" in offered else option.find_default(connector_key)
    if isinstance(option, ChoicesOption):
        widget = forms.CheckboxSelectMultiple
        return forms.MultipleChoiceField(
            choices=choices, widget=widget, initial=initial, **{**settings, "required": True}
        )
    if isinstance(stored, str) and stored not in offered:
        choices.append((stored, stored))
    return forms.ChoiceField(choices=choices, initial=initial, **settings)


def _translate_label(label: Label) -> str:
    """Return the translation also of a connector's text, which is only marked for it."""
    return translate_text(label) if isinstance(label, str) else str(label)


def _build_number_field(option: NumberOption, settings: dict[str, Any]) -> forms.Field:
    scale = PERCENT if option.is_share else 1
    default = option.default * scale
    shown = format_whole(default) if default == int(default) else format_rounded(default)
    empty = format_lazy(_("Empty: {default}."), default=shown)
    settings["help_text"] = format_lazy("{} {}", option.help, empty) if option.help else empty
    settings |= {"min_value": option.minimum * scale, "max_value": option.maximum * scale}
    if option.is_share:
        return PercentField(**settings)
    return forms.IntegerField(**settings) if option.is_whole else forms.FloatField(**settings)


class RowForm(forms.Form):
    """The form of an entry of a list: it has all required fields, or is left out."""

    section: Section
    connector_key = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for option in self.section.options:
            if option.label:
                field = self.fields[option.key] = build_field(option, self.connector_key)
                field.required = False
                field.widget.attrs["aria-label"] = option.label  # others see the column's head

    @property
    def _required_names(self) -> list[str]:
        return [option.key for option in self.section.options if option.is_required]

    @property
    def is_empty(self) -> bool:
        """Return whether the row has none of the required values; it is then left out."""
        return not any(self.cleaned_data.get(name) for name in self._required_names)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        missing = [name for name in self._required_names if not data.get(name)]
        for name in missing if len(missing) < len(self._required_names) else ():
            self.add_error(name, _(REQUIRED))
        return data


class OptionForm(forms.Form):
    """The fields of options. Options without a field are kept; an empty value removes its option.

    `rows`: the entries of the list that has a label, if there is one.
    """

    present = forms.CharField(widget=forms.HiddenInput, initial="yes", required=False)

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        schema: Section,
        options: Mapping[str, Any],
        connector_key: str,
    ) -> None:
        super().__init__(data, prefix=PREFIX)
        self.schema, self.options, self.connector_key = schema, options, connector_key
        self.paths: dict[str, Path] = {}
        self.rows_path: Path = ()
        self.rows: Any = None
        for path, option in walk_options(schema, connector_key):
            if "[]" in "".join(path) or not (option.label and option.is_offered(connector_key)):
                continue
            stored = get_value_at_path(options, path)
            if isinstance(option, ListOption) and not isinstance(option, ConditionsOption):
                self._add_rows(path, option, stored)
                continue
            name = "_".join(path)
            self.paths[name] = path
            self.fields[name] = build_field(option, connector_key, stored)
            if stored is not None:
                self.initial[name] = stored

    def _add_rows(self, path: Path, option: ListOption, stored: Any) -> None:
        attributes = {"section": option.entry, "connector_key": self.connector_key}
        row_form = type("RowForm", (RowForm,), attributes)
        rows: Any = forms.formset_factory(
            row_form, extra=EMPTY_ROWS_OFFERED, max_num=option.maximum
        )
        entries = stored if isinstance(stored, list) else []
        initial = [entry for entry in entries if isinstance(entry, Mapping)]
        data = self.data if self.is_bound else None
        self.rows_path = path
        self.rows = rows(data, prefix=f"{PREFIX}-{'_'.join(path)}", initial=initial)

    def is_valid(self) -> bool:
        is_valid = super().is_valid()
        return is_valid and (self.rows is None or bool(self.rows.is_valid()))

    def has_changed(self) -> bool:
        return bool(super().has_changed() or (self.rows is not None and self.rows.has_changed()))

    def build(self) -> Options:
        """Return the options with the values of the fields."""
        options = copy.deepcopy(dict(self.options))
        for name, path in self.paths.items():
            set_option(options, path, self.cleaned_data[name])
        if self.rows is not None:
            set_option(options, self.rows_path, list(self._build_entries()))
        for option in self.schema.options:
            if isinstance(option, KindSection):
                _remove_other_kinds(options, option, self.connector_key)
        return options

    def _build_entries(self) -> Iterator[dict[str, Any]]:
        """Yield the entries of the rows, with what a stored one of the same name has besides."""
        stored = {row.get("name"): row for row in self.rows.initial}
        for row in self.rows:
            if row.cleaned_data and not row.is_empty:
                yield {**stored.get(row.cleaned_data["name"], {}), **row.cleaned_data}

    def find_field(self, path: str) -> str:
        """Return the field of an option, or of an option below it; "" if there is none."""
        for name, own_path in self.paths.items():
            option = ".".join(own_path)
            if path == option or path.startswith((f"{option}.", f"{option}[")):
                return name
        return ""


def open_option_form(
    kind: str, connector_key: str, options: Mapping[str, Any], data: Mapping[str, Any] | None
) -> OptionForm | None:
    """Return the form of a kind for a system; None if either is unknown.

    It is bound only if the data come from a page that shows it.
    """
    if kind not in JOB_KINDS or connector_key not in CONNECTORS:
        return None
    is_shown = data is not None and PRESENCE_PARAMETER in data
    schema = JOB_KINDS[kind].options
    return OptionForm(
        data if is_shown else None, schema=schema, options=options, connector_key=connector_key
    )


def set_option(options: Options, path: Sequence[str], value: Any) -> None:
    """Set the value at a path; an empty value is removed, and so are objects that become empty."""
    name, *rest = path
    if rest:
        inner = options.get(name)
        inner = dict(inner) if isinstance(inner, Mapping) else {}
        set_option(inner, rest, value)
        value = inner
    if value in ("", None, [], {}):
        options.pop(name, None)
    else:
        options[name] = value


def _remove_other_kinds(options: Options, option: KindSection, connector_key: str) -> None:
    """Keep those options of a section that its kind has."""
    section = options.get(option.key, {})
    kind = option.kind.fill(section.get(option.kind.key), connector_key)
    names = {option.kind.key, *(part.key for part in option.sections[kind].options)}
    options[option.key] = {name: value for name, value in section.items() if name in names}
