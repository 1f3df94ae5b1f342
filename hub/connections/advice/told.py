"""A problem in the words of this moment: the cause, who can mend it, and what to send to them."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from connectors.base import Connector
from hub.connections.advice.people import OF_PEOPLE
from hub.connections.advice.problem import Problem
from hub.connections.advice.systems import OF_SYSTEMS

PROBLEMS: Mapping[str, Problem] = {**OF_PEOPLE, **OF_SYSTEMS}
WHO = {
    "you": _("You can mend it yourself."),
    "their_admin": _("An administrator of your %(system)s can mend it."),
    "us": _("The people who run %(hub)s can mend it."),
    "wait": _("Nobody has to do anything: it passes by itself."),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A problem in the words of this moment. `says` are the system's own."""

    code: str
    title: str
    cause: str
    who: str
    text: str
    detail: str = ""


def told(code: str, connector: Connector | None, *, hub: str, account: str = "", detail: str = "") -> Told:
    """What a connector knows of a problem is told before what holds for all."""
    title, advice = PROBLEMS.get(code, PROBLEMS["refused"])
    own = connector.errors.get(code, advice) if connector else advice
    system = connector.label if connector else gettext("the other system")
    names = {"system": system, "hub": hub, "account": account or gettext("the account so far")}
    words = (title, own.cause, WHO[own.who], own.text)
    return Told(code, *(gettext(text) % names if text else "" for text in words), detail=detail)
