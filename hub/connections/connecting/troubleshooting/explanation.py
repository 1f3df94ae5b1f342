"""Fill in a problem's texts: the cause, who can fix it, and a text to send to them."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from connectors.base import Connector
from hub.connections.connecting.troubleshooting.callback_problems import CALLBACK_PROBLEMS
from hub.connections.connecting.troubleshooting.problem import ConnectProblem
from hub.connections.connecting.troubleshooting.provider_problems import PROVIDER_PROBLEMS
from hub.connections.connecting.troubleshooting.user_problems import USER_PROBLEMS

PROBLEMS: Mapping[str, ConnectProblem] = {
    **CALLBACK_PROBLEMS,
    **USER_PROBLEMS,
    **PROVIDER_PROBLEMS,
}
RESPONSIBLE_TEXTS = {
    "you": _("You can fix it yourself."),
    "their_admin": _("An administrator of your %(system)s can fix it."),
    "us": _("The operator of %(hub)s can fix it."),
    "wait": _("You do not need to do anything. The problem resolves itself."),
}


@dataclass(frozen=True, slots=True)
class Troubleshooting:
    """A problem with its texts filled in. `detail` is the system's own text."""

    code: str
    title: str
    cause: str
    responsible_text: str
    text: str
    detail: str = ""


def explain_problem(
    code: str, connector: Connector | None, *, hub: str, account: str = "", detail: str = ""
) -> Troubleshooting:
    """Explain a problem; the connector's own advice comes before the general one."""
    title, advice = PROBLEMS.get(code, PROBLEMS["refused"])
    specific_advice = connector.errors.get(code, advice) if connector else advice
    system = connector.label if connector else gettext("the other system")
    names = {"system": system, "hub": hub, "account": account or gettext("the current account")}

    def fill_in(text: str) -> str:
        return gettext(text) % names if text else ""

    return Troubleshooting(
        code,
        title=fill_in(title),
        cause=fill_in(specific_advice.cause),
        responsible_text=fill_in(RESPONSIBLE_TEXTS[specific_advice.responsible]),
        text=fill_in(specific_advice.text),
        detail=detail,
    )
