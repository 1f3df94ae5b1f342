"""The parts of a recipe; each recipe is one file of `hub/recipes/catalogue`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from connectors.registry import CONNECTORS
from hub.reason_codes import translate_text

CONNECTION: Final = "connection"
QuestionKind = Literal["connection", "choice", "object", "index", "hour", "select", "text"]
Answer = str | int


@dataclass(frozen=True, slots=True)
class Option:
    """A value that can be selected."""

    value: str
    marked_label: str

    @property
    def label(self) -> str:
        return translate_text(self.marked_label)


@dataclass(frozen=True, slots=True)
class Question:
    """A question that a person answers before the integration is switched on.

    `kind`: *connection* (an account of the tenant; the key is its connector's), *choice* (a record
    of a live list, `choices` names the list of `connector`), *object* (of Salesforce), *index* (of
    Splunk), *hour* (0 to 23), *select* (one of `options`), or *text* (that matches `pattern`).
    """

    key: str
    kind: QuestionKind
    marked_label: str
    marked_help: str = ""
    connector: str = ""
    choices: str = ""
    default: Answer = ""
    is_required: bool = True
    options: tuple[Option, ...] = ()
    pattern: str = ""

    @property
    def label(self) -> str:
        return translate_text(self.marked_label)

    @property
    def help(self) -> str:
        return translate_text(self.marked_help)


@dataclass(frozen=True, slots=True)
class RouteTemplate:
    """A route to create. `{{key}}` in its filter and mapping becomes an answer, as a literal.

    `origin`: the connector that receives the events; "": our own application. `sample`: the data of
    an event, for a rehearsal without a real one.
    """

    key: str
    name: str
    event_type: str
    connector: str
    action: str
    mapping: Mapping[str, Any]
    sample: Mapping[str, Any]
    filter: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class JobTemplate:
    """A job to create. `{{key}}` in its schedule and options is replaced by an answer.

    `marked_effect`: what a run does, in a sentence. `sample`: for a report, the document from which
    its message is rendered.
    """

    key: str
    name: str
    kind: str
    connector: str
    cron: str
    options: Mapping[str, Any]
    marked_effect: str
    sample: Mapping[str, Any] = field(default_factory=dict)

    @property
    def effect(self) -> str:
        return translate_text(self.marked_effect)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A ready-made integration. `permissions`: those it needs at each system, by connector."""

    key: str
    version: int
    marked_title: str
    marked_summary: str
    connectors: tuple[str, ...]
    permissions: Mapping[str, tuple[str, ...]]
    own_questions: tuple[Question, ...]
    routes: tuple[RouteTemplate, ...]
    jobs: tuple[JobTemplate, ...]

    @property
    def title(self) -> str:
        return translate_text(self.marked_title)

    @property
    def summary(self) -> str:
        return translate_text(self.marked_summary)

    @property
    def parts(self) -> tuple[RouteTemplate | JobTemplate, ...]:
        return (*self.routes, *self.jobs)

    @property
    def tenant_connectors(self) -> tuple[str, ...]:
        """Return the systems that the tenant must connect; our own application is for all."""
        return tuple(key for key in self.connectors if not CONNECTORS[key].is_for_platform)

    @property
    def questions(self) -> tuple[Question, ...]:
        """Return all questions, beginning with those for accounts."""
        accounts = (
            Question(key, CONNECTION, CONNECTORS[key].label, connector=key)
            for key in self.tenant_connectors
        )
        return (*accounts, *self.own_questions)

    def find_question(self, key: str) -> Question | None:
        return next((question for question in self.questions if question.key == key), None)
