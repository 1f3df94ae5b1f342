"""The form for the options of one kind of job: a field for each option, by its path."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

PREFIX = "option"
PRESENCE_PARAMETER = f"{PREFIX}-present"  # in the data of a page that shows the fields
Path = tuple[str, ...]
Options = dict[str, Any]
Choices = Sequence[tuple[str, Any]]


class OptionForm(forms.Form):
    """Fields for options. Options without a field are kept as they are.

    `option_paths`: the path of each field's value; an empty value removes the option.
    """

    option_paths: Mapping[str, Path] = {}
    folded_fields: tuple[str, ...] = ()  # as the admin's templates expect it

    present = forms.CharField(widget=forms.HiddenInput, initial="yes", required=False)

    def __init__(
        self, data: Mapping[str, Any] | None, *, options: Mapping[str, Any], connector_key: str
    ) -> None:
        self.options, self.connector_key = options, connector_key
        initial = {
            name: value
            for name, path in self.option_paths.items()
            if (value := find_option(options, path)) is not None
        }
        super().__init__(data, prefix=PREFIX, initial=initial)
        self.prepare_fields()

    def prepare_fields(self) -> None:
        """Set the choices that depend on the system of the job."""

    @property
    def all_fields(self) -> list[forms.Field]:
        return list(self.fields.values())

    def build(self) -> Options:
        """Return the options with the values of the fields."""
        options = copy.deepcopy(dict(self.options))
        for name, path in self.option_paths.items():
            if name in self.fields:
                set_option(options, path, self.cleaned_data[name])
        return options

    def find_field(self, path: str) -> str:
        """Return the field of an option, or of an option below it; "" if there is none."""
        for name, own_path in self.option_paths.items():
            option = ".".join(own_path)
            if name in self.fields and (
                path == option or path.startswith((f"{option}.", f"{option}["))
            ):
                return name
        return ""

    def set_choices(self, name: str, choices: Choices) -> None:
        """Set the choices of a field; a stored value that is not among them remains possible."""
        field = self.fields[name]
        stored = self.initial.get(name)
        choice_values = [value for value, _label in choices]
        more = [(stored, stored)] if isinstance(stored, str) and stored not in choice_values else []
        assert isinstance(field, forms.ChoiceField)
        field.choices = [*choices, *more]


def find_option(options: Any, path: Path) -> Any:
    """Return the value at a path; None if there is none."""
    for name in path:
        options = options.get(name) if isinstance(options, Mapping) else None
    return options


def set_option(options: Options, path: Path, value: Any) -> None:
    """Set the value at a path; an empty value is removed, and so are objects that become empty."""
    name, *rest = path
    if not rest:
        if value in ("", None) or value == []:
            options.pop(name, None)
        else:
            options[name] = value
        return
    inner = options.get(name)
    inner = dict(inner) if isinstance(inner, Mapping) else {}
    set_option(inner, tuple(rest), value)
    if inner:
        options[name] = inner
    else:
        options.pop(name, None)
