"""Declare the options of a kind of job: check, form, REST help and example follow from it.

A check yields a path such as `fields[0].type` and a sentence for each thing that is wrong.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from connectors.registry import CONNECTORS
from hub.mappings.expressions.budget import ExpressionRefused
from hub.mappings.expressions.language import parse_expression
from hub.number_texts import format_whole
from hub.scheduled.jobs.option_errors import (
    NO_SUCH_SYSTEM,
    NOT_A_LIST,
    NOT_AN_OBJECT,
    NOT_ONE_OF,
    REQUIRED,
    TOO_MANY_ENTRIES,
    UNKNOWN_OPTION,
)

ERROR_PATH_LENGTH_MAX = 80  # characters of a name that a job's author made up

Label = str | Promise
Choices = Mapping[str, Label] | Iterable[str]  # the values, with labels if they are shown
ChoiceSource = Choices | Callable[[str], Choices]  # a function takes the connector's key
Errors = dict[str, str]  # by path
Problems = Iterable[tuple[str, str]]
Path = tuple[str, ...]


def _is_offered_always(connector_key: str) -> bool:
    return True


@dataclass(frozen=True)
class Option:
    """An option; one with a label has a field in forms. This class takes any value.

    `default`: what holds without a value, or a function of the key of the job's connector.
    `is_offered`: whether the form of a job of a connector shows it, and may require it.
    """

    key: str = ""
    label: Label = ""
    help: Label = ""
    is_required: bool = False
    default: Any = ""
    example: Any = None
    is_offered: Callable[[str], bool] = _is_offered_always

    def find_default(self, connector_key: str) -> Any:
        return self.default(connector_key) if callable(self.default) else self.default

    def fill(self, value: Any, connector_key: str = "") -> Any:
        """Return a checked value, or the default in the place of none."""
        return self.find_default(connector_key) if value in (None, "") else value

    def find_problems(self, value: Any, path: str, connector_key: str) -> Problems:
        if problem := self.find_problem(value, connector_key):
            yield path, problem

    def find_problem(self, value: Any, connector_key: str) -> str:
        """Return what is wrong with a value that has no parts; empty if nothing is."""
        return ""

    def list_parts(self, connector_key: str | None) -> Iterable["Option"]:
        """Return the options in this one: those of a connector, or all."""
        return ()

    def build_example(self) -> Any:
        return self.example


def is_any_text(text: str) -> bool:
    return True


def is_filled(text: str) -> bool:
    return text.isprintable() and not text.isspace() and text != ""


@dataclass(frozen=True, kw_only=True)
class TextOption(Option):
    maximum: int = 200  # characters
    is_valid: Callable[[str], Any] = str.isprintable
    problem: Label = ""  # of a text that is not valid

    def find_problem(self, value: Any, connector_key: str) -> str:
        if isinstance(value, str) and len(value) <= self.maximum and self.is_valid(value):
            return ""
        return str(self.problem) or _("This must be text of at most %d characters.") % self.maximum


@dataclass(frozen=True, kw_only=True)
class ExpressionOption(TextOption):
    """An expression of field mappings."""

    maximum: int = 500

    def find_problem(self, value: Any, connector_key: str) -> str:
        if not isinstance(value, str) or len(value) > self.maximum:
            return super().find_problem(value, connector_key)
        try:
            parse_expression(value)
        except ExpressionRefused as refused:
            return refused.message
        return ""


def _list_choices(source: ChoiceSource, connector_key: str) -> Mapping[str, Label]:
    choices = source(connector_key) if callable(source) else source
    return choices if isinstance(choices, Mapping) else {value: value for value in choices}


@dataclass(frozen=True, kw_only=True)
class ChoiceOption(Option):
    """One of some texts, which may depend on the connector of the job.

    `offered`: those that forms offer; None: all.
    """

    choices: ChoiceSource
    offered: ChoiceSource | None = None

    def list_choices(self, connector_key: str) -> Mapping[str, Label]:
        """Return the values, each with its label."""
        return _list_choices(self.choices, connector_key)

    def list_offered(self, connector_key: str) -> Mapping[str, Label]:
        return _list_choices(self.offered or self.choices, connector_key)

    def has_choice(self, value: Any, connector_key: str) -> bool:
        return isinstance(value, str) and value in self.list_choices(connector_key)

    def find_problem(self, value: Any, connector_key: str) -> str:
        if self.has_choice(value, connector_key):
            return ""
        return self._describe_choices(_(NOT_ONE_OF), connector_key)

    def _describe_choices(self, sentence: str, connector_key: str) -> str:
        return sentence % ", ".join(text or "“”" for text in self.list_choices(connector_key))


@dataclass(frozen=True, kw_only=True)
class ChoicesOption(ChoiceOption):
    """A list of some texts."""

    def find_problem(self, value: Any, connector_key: str) -> str:
        entries = value if isinstance(value, list) else []
        if entries and all(self.has_choice(entry, connector_key) for entry in entries):
            return ""
        return self._describe_choices(_("This must be a list of: %s."), connector_key)


@dataclass(frozen=True, kw_only=True)
class NumberOption(Option):
    minimum: int
    maximum: int
    is_whole: bool = True
    is_share: bool = False  # people enter it in percent

    def find_problem(self, value: Any, connector_key: str) -> str:
        is_number = isinstance(value, int if self.is_whole else int | float)
        if is_number and not isinstance(value, bool) and self.minimum <= value <= self.maximum:
            return ""
        limits = {"least": format_whole(self.minimum), "most": format_whole(self.maximum)}
        if self.is_whole:
            return _("This must be a whole number from %(least)s to %(most)s.") % limits
        return _("This must be from %(least)s to %(most)s.") % limits


@dataclass(frozen=True, kw_only=True)
class FlagOption(Option):
    default: Any = False

    def find_problem(self, value: Any, connector_key: str) -> str:
        return "" if isinstance(value, bool) else _("This must be true or false.")


def _find_no_problems(value: Mapping[str, Any], connector_key: str) -> Problems:
    return ()


def _accept_key(key: str) -> str:
    return ""


@dataclass(frozen=True, kw_only=True)
class Section(Option):
    """An object of options.

    `others`: what options with any other name are, at most `others_max`; None: there are none.
    `rule` finds what is wrong with options that are valid one by one.
    """

    default: Any = None
    options: Sequence[Option] = ()
    others: Option | None = None
    others_max: int = 1_000
    find_name_problem: Callable[[str], Label] = _accept_key
    rule: Callable[[Mapping[str, Any], str], Problems] = _find_no_problems

    def list_parts(self, connector_key: str | None) -> Iterable["Option"]:
        return self.options

    def find_problems(self, value: Any, path: str, connector_key: str) -> Problems:
        if not isinstance(value, Mapping):
            return [(path, _(NOT_AN_OBJECT))]
        problems = [
            *self._find_missing(value, path, connector_key),
            *self._find_wrong(value, path, connector_key),
        ]
        if problems:
            return problems
        return [(join_path(path, name), text) for name, text in self.rule(value, connector_key)]

    def _find_missing(self, value: Mapping[str, Any], path: str, connector_key: str) -> Problems:
        for option in self.options:
            if not (option.is_required and option.is_offered(connector_key)):
                continue
            entry = value.get(option.key)
            if (entry.strip() if isinstance(entry, str) else entry) in (None, "", [], {}):
                yield join_path(path, option.key), _(REQUIRED)

    def _find_wrong(self, value: Mapping[str, Any], path: str, connector_key: str) -> Problems:
        options = {option.key: option for option in self.options}
        if len(value.keys() - options) > self.others_max:
            yield path, _(TOO_MANY_ENTRIES) % self.others_max
        for name, entry in value.items():
            entry_path = join_path(path, str(name)[:ERROR_PATH_LENGTH_MAX])
            option = options.get(name, self.others)
            if option is None:
                yield entry_path, _(UNKNOWN_OPTION)
            elif name not in options and (problem := self.find_name_problem(name)):
                yield entry_path, str(problem)
            else:
                yield from option.find_problems(entry, entry_path, connector_key)

    def fill(self, value: Any, connector_key: str = "") -> dict[str, Any]:
        given = value or {}
        return {
            **given,
            **{
                option.key: option.fill(given.get(option.key), connector_key)
                for option in self.options
            },
        }

    def build_example(self) -> Any:
        examples = {option.key: option.build_example() for option in self.options}
        given = {key: example for key, example in examples.items() if example is not None}
        return given or self.example


@dataclass(frozen=True, kw_only=True)
class KindSection(Option):
    """An object whose options depend on its `kind`."""

    kind: ChoiceOption
    sections: Mapping[str, Section]

    def list_parts(self, connector_key: str | None) -> Iterable["Option"]:
        kinds = self.sections if connector_key is None else self.kind.list_choices(connector_key)
        options: dict[str, Option] = {self.kind.key: self.kind}
        for option in [option for kind in kinds for option in self.sections[kind].options]:
            options.setdefault(option.key, option)
        return options.values()

    def find_problems(self, value: Any, path: str, connector_key: str) -> Problems:
        if not isinstance(value, Mapping):
            return [(path, _(NOT_AN_OBJECT))]
        kind, others = self._split(value, connector_key)
        if problem := self.kind.find_problem(kind, connector_key):
            return [(join_path(path, self.kind.key), problem)]
        return self.sections[kind].find_problems(others, path, connector_key)

    def fill(self, value: Any, connector_key: str = "") -> dict[str, Any]:
        kind, others = self._split(value or {}, connector_key)
        return {**self.sections[kind].fill(others, connector_key), self.kind.key: kind}

    def _split(self, value: Mapping[str, Any], connector_key: str) -> tuple[Any, dict[str, Any]]:
        """Return the kind, and the options that depend on it."""
        others = {name: entry for name, entry in value.items() if name != self.kind.key}
        return self.kind.fill(value.get(self.kind.key), connector_key), others


@dataclass(frozen=True, kw_only=True)
class ListOption(Option):
    """A list of entries of one kind."""

    default: Any = ()
    entry: Option
    minimum: int = 1
    maximum: int

    def find_problems(self, value: Any, path: str, connector_key: str) -> Problems:
        if not isinstance(value, list) or not self.minimum <= len(value) <= self.maximum:
            limits = {"least": self.minimum, "most": self.maximum}
            yield path, _(NOT_A_LIST) % limits
            return
        for position, entry in enumerate(value):
            yield from self.entry.find_problems(entry, f"{path}[{position}]", connector_key)

    def fill(self, value: Any, connector_key: str = "") -> Any:
        return [self.entry.fill(entry, connector_key) for entry in value or self.default]

    def build_example(self) -> Any:
        example = self.entry.build_example()
        return None if example is None else [example]


@dataclass(frozen=True, kw_only=True)
class JobOptions(Section):
    """All options of a kind of job, with the connector and the title of their example.

    `find_system_problem`: why a connector has no such jobs, whatever their options; empty: it has.
    """

    example_connector: str = ""
    example_title: Label = ""
    find_system_problem: Callable[[str], Label] = _accept_key

    def find_errors(self, options: Any, connector_key: str) -> Errors:
        """Return a sentence by path, the first one of each; {} if the options are valid."""
        if connector_key not in CONNECTORS:
            return {"": _(NO_SUCH_SYSTEM)}
        if problem := self.find_system_problem(connector_key):
            return {"": str(problem)}
        errors: Errors = {}
        for path, problem in self.find_problems(options, "", connector_key):
            errors.setdefault(path, problem)
        return errors


def join_path(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name


def walk_options(
    option: Option, connector_key: str | None = None, path: Path = ()
) -> Iterator[tuple[Path, Option]]:
    """Yield an option with its path, and the options in it: those of a connector, or all.

    The name of a list ends in `[]` in the paths of its entries.
    """
    if path:
        yield path, option
    for part in option.list_parts(connector_key):
        yield from walk_options(part, connector_key, (*path, part.key))
    if isinstance(option, ListOption):
        yield from walk_options(option.entry, connector_key, (*path[:-1], f"{path[-1]}[]"))
