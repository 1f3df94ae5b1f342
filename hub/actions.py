"""Actions on rows by people and programs, each declared once beside its service function.

Staff pages (`hub.staff.row_actions`), pages of customers (`hub.portal.actions`) and REST
(`hub.rest.actions`) offer what is declared; none of them describes an action itself.
"""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from secrets import SystemRandom
from types import MappingProxyType
from typing import Any, ClassVar, Generic, Literal, TypeVar

from django import forms
from django.db import models, transaction
from django.utils.functional import Promise

from connectors.http import Request, Response
from hub.audit import ActorContext
from hub.limits.spending import spend_tenant_limit

Row = TypeVar("Row")
Text = str | Promise
Door = Literal["staff", "portal", "rest"]
NO_DATA: Mapping[str, Any] = MappingProxyType({})


FOR_STAFF: Mapping[Door, str] = {  # of actions that concern the platform
    "portal": "Only staff of the platform do this.",
    "rest": "Only staff of the platform do this.",
}


def never(row: Any) -> bool:
    return False


def always(row: Any) -> bool:
    return True


class ActionForm(forms.Form):
    """The form that asks for an action's data.

    `obj` is the row that the action changes; `folded_fields` are shown folded below the others.
    `field_names`: the fields whose errors refusals state under another name.
    """

    folded_fields: tuple[str, ...] = ()
    field_names: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *args: Any, obj: models.Model | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.obj = obj


@dataclass(frozen=True, kw_only=True, repr=False)
class ShownOnce:
    """A text that a person copies from the response, as no page shows it again."""

    text: str
    title: Text
    heading: Text
    note: Text  # who may have it, and for how long


@dataclass(frozen=True, kw_only=True)
class Action(Generic[Row]):
    """An action on one row.

    `run` checks, changes and audits: it is called with the row, the actor, now and, by name, the
    data of `form` or the reason of staff; it returns what is shown next, such as a new row.
    `question` stands above the button, and describes the operation in the documentation of the API
    under the title `summary`.
    """

    name: str  # in URLs, in the ids of operations and in the audit
    label: Text
    question: Text
    run: Callable[..., Any]
    success: Text = ""  # empty: `describe_result` names what was changed
    summary: str = ""
    scope: str = ""  # of the API key
    is_available: Callable[[Row], bool] = always
    limit: str = ""  # of the tenant: each use spends one of it
    permission: str = "change"  # of staff, on the row's model
    form: type[ActionForm] | None = None  # asks for data
    asks_reason: Callable[[Row], bool] = never  # whether staff give one, for the audit
    find_caution: Callable[[Row], Text] = lambda row: ""  # what makes it dangerous for this row
    describe_button: Callable[[Row], Text] = lambda row: ""  # of this row, in place of `label`
    describe_result: Callable[[Any], Text] = lambda result: ""  # in place of `success`
    show_once: Callable[[Any], ShownOnce | None] = lambda result: None  # on the page that follows
    is_success: Callable[[Any], bool] = always  # otherwise pages show the result as a warning
    is_atomic: bool = True  # False: `run` has transactions of its own
    calls_system: bool = False  # whether `run` is given `call` and `random`, too
    makes_token: bool = False  # whether `run` is given `random`, which returns random bytes
    recent_login_at: tuple[Door, ...] = ()  # where the user must have signed in recently
    icon: str = ""
    tone: Literal["primary", "plain", "danger"] = "plain"
    is_background: bool = False  # whether it continues after the answer
    creates: bool = False  # whether the result is a new row
    removes: bool = False  # whether the row has no page afterwards
    withheld: Mapping[Door, str] = field(default_factory=dict)  # why a door does not offer it

    def perform(
        self,
        row: Row,
        actor: ActorContext,
        data: Mapping[str, Any] = NO_DATA,
        *,
        call: Callable[[Request], Response],
        random: SystemRandom,
        now: datetime,
    ) -> Any:
        """Spend the limit of the actor's tenant, and run the service function.

        Raises Refusal or LimitExceeded, and changes nothing.
        """
        with transaction.atomic() if self.is_atomic else nullcontext():
            if self.limit and actor.limited_tenant is not None:
                spend_tenant_limit(actor.limited_tenant, self.limit, now=now)
            outside: dict[str, Any] = {"random": random.randbytes} if self.makes_token else {}
            if self.calls_system:
                outside = {"call": call, "random": random.random}
            return self.run(row, actor, now=now, **data, **outside)

    def find_button_label(self, row: Row) -> Text:
        return self.describe_button(row) or self.label

    def describe_success(self, result: Any) -> str:
        return str(self.describe_result(result) or self.success)

    @property
    def asks_staff(self) -> bool:
        """Return whether a page asks staff before any row is changed."""
        return self.asks_reason is always or self.tone == "danger" or self.form is not None

    def is_offered_at(self, door: Door) -> bool:
        return door not in self.withheld


Actions = Mapping[str, Action[Any]]


def declare_actions(*actions: Action[Any]) -> Actions:
    """Return the actions of one kind of row by name, in the order in which pages show them."""
    return {action.name: action for action in actions}


def list_offered(actions: Actions, door: Door) -> list[Action[Any]]:
    return [action for action in actions.values() if action.is_offered_at(door)]
