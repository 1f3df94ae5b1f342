"""A problem in the words of this moment: the cause, who can mend it, and what to send to them."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from connectors.base import Connector
from hub.connections.connecting.troubleshooting.problem import ConnectProblem
from hub.connections.connecting.troubleshooting.provider_problems import PROVIDER_PROBLEMS
from hub.connections.connecting.troubleshooting.user_problems import USER_PROBLEMS

PROBLEMS: Mapping[str, ConnectProblem] = {**USER_PROBLEMS, **PROVIDER_PROBLEMS}
RESPONSIBLE_TEXTS = {
    "you": _("You can mend it yourself."),
    "their_admin": _("An administrator of your %(system)s can mend it."),
    "us": _("The people who run %(hub)s can mend it."),
    "wait": _("Nobody has to do anything: it passes by itself."),
}


@dataclass(frozen=True, slots=True)
class Troubleshooting:
    """A problem in the words of this moment. `says` are the system's own."""

    code: str
    title: str
    cause: str
    who: str
    text: str
    detail: str = ""


def explain_problem(
    code: str, connector: Connector | None, *, hub: str, account: str = "", detail: str = ""
) -> Troubleshooting:
    """What a connector knows of a problem is told before what holds for all."""
    title, advice = PROBLEMS.get(code, PROBLEMS["refused"])
    specific_advice = connector.errors.get(code, advice) if connector else advice
    system = connector.label if connector else gettext("the other system")
    names = {"system": system, "hub": hub, "account": account or gettext("the account so far")}
    words = (
        title,
        specific_advice.cause,
        RESPONSIBLE_TEXTS[specific_advice.who],
        specific_advice.text,
    )
    return Troubleshooting(
        code, *(gettext(text) % names if text else "" for text in words), detail=detail
    )
