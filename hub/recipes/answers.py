"""Check the answers to the questions of a recipe, and find the accounts in them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from connectors.registry import CONNECTORS
from hub.connections.models import DISCONNECTED, Connection
from hub.problems import Refusal
from hub.recipes.definitions import CONNECTION, Question, Recipe
from hub.recipes.definitions.recipe import Answer
from hub.scheduled.jobs.option_errors import NO_SUCH_CONNECTION, NOT_ONE_OF, REQUIRED
from hub.schemas.choice_lists import find_unlisted_problem
from tenants.models import Tenant

MAX_TEXT_LENGTH = 200  # characters
MAX_CONNECTIONS = 200  # of a tenant, among which one is chosen
OBJECT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}", re.ASCII)
INDEX_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}", re.ASCII)


class InvalidAnswers(Refusal):
    """Answers are missing or wrong. `errors`: a sentence by the key of each question."""

    code = "validation-failed"

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {error}" for key, error in errors.items()))
        self.errors = errors

    def list_errors(self) -> list[dict[str, str]]:
        return [
            {"pointer": f"/answers/{key}", "detail": str(error), "code": "invalid"}
            for key, error in self.errors.items()
        ]


@dataclass(frozen=True, slots=True)
class CheckedAnswers:
    """Answers to all questions; `connections` are the accounts that they name, by connector."""

    values: Mapping[str, Answer]
    connections: Mapping[str, Connection]


def list_usable_connections(recipe: Recipe, tenant: Tenant) -> dict[str, list[Connection]]:
    """Return the tenant's connections of each system that the recipe needs, the oldest first.

    One statement. A disconnected one is left out.
    """
    connections = (
        Connection.objects.of(tenant)
        .filter(connector_key__in=recipe.tenant_connectors)
        .exclude(state="disabled", reason=DISCONNECTED)
        .order_by("pk")[:MAX_CONNECTIONS]
    )
    by_connector: dict[str, list[Connection]] = {key: [] for key in recipe.tenant_connectors}
    for connection in connections:
        by_connector[connection.connector_key].append(connection)
    return by_connector


def check_answers(
    recipe: Recipe,
    tenant: Tenant,
    answers: Mapping[str, Any],
    *,
    stored_answers: Mapping[str, Any] = {},
) -> CheckedAnswers:
    """Return the answers, with defaults for omitted ones. Raises InvalidAnswers.

    For an omitted account, the tenant's oldest connection of the system is used. A chosen record
    must be in the list of its account as it was last read, unless the answer is a stored one.
    """
    errors = {
        str(key)[:80]: _("There is no such question.")
        for key in answers
        if recipe.find_question(key) is None
    }
    errors |= _find_platform_errors(recipe)
    usable = list_usable_connections(recipe, tenant)
    values: dict[str, Answer] = {}
    connections: dict[str, Connection] = {}
    for question in recipe.questions:
        answer = answers.get(question.key)
        try:
            if question.kind == CONNECTION:
                connection = _select_connection(recipe, question, usable[question.key], answer)
                connections[question.key] = connection
                values[question.key] = str(connection.public_id)
            else:
                values[question.key] = check_answer(question, answer)
        except ValueError as error:
            errors[question.key] = str(error)
    checked = CheckedAnswers(values, connections)
    errors |= _find_unlisted_errors(recipe, checked, stored_answers)
    if errors:
        raise InvalidAnswers(errors)
    return checked


def _find_unlisted_errors(
    recipe: Recipe, checked: CheckedAnswers, stored_answers: Mapping[str, Any]
) -> dict[str, str]:
    """Return an error for each new choice that the list of its account does not have."""
    errors = {}
    for question in recipe.own_questions:
        answer = checked.values.get(question.key)
        connection = checked.connections.get(question.connector)
        if question.kind != "choice" or not answer or connection is None:
            continue
        names = (question.key, question.connector)
        if all(checked.values[name] == stored_answers.get(name) for name in names):
            continue
        if problem := find_unlisted_problem(connection, question.choices, str(answer)):
            errors[question.key] = problem
    return errors


def _find_platform_errors(recipe: Recipe) -> dict[str, str]:
    """Return an error, by connector, if the platform has not connected our own application."""
    platform = set(recipe.connectors) - set(recipe.tenant_connectors)
    if not platform:
        return {}
    connections = Connection.unscoped.filter(tenant=None, connector_key__in=platform)
    missing = platform - set(connections.values_list("connector_key", flat=True))
    return {key: _("Our application is not connected yet. Contact us.") for key in missing}


def _select_connection(
    recipe: Recipe, question: Question, usable: Sequence[Connection], answer: Any
) -> Connection:
    """Return the account in the answer, or the oldest. Raises ValueError with a sentence."""
    names = {"system": CONNECTORS[question.connector].label}
    if not usable:
        raise ValueError(_("Connect %(system)s first.") % names)
    connection = usable[0]
    if answer not in (None, ""):
        named = [one for one in usable if str(one.public_id) == str(answer)]
        if not named:
            raise ValueError(_(NO_SUCH_CONNECTION))
        connection = named[0]
    if missing := list_missing_permissions(recipe, connection):
        names["permissions"] = ", ".join(missing)
        raise ValueError(_("Reconnect %(system)s to allow: %(permissions)s.") % names)
    return connection


def list_missing_permissions(recipe: Recipe, connection: Connection) -> list[str]:
    """List the permissions that the recipe needs and the account did not grant.

    Empty if the system does not report permissions.
    """
    if connection.permissions is None:
        return []
    granted = set(connection.permissions)
    needed = recipe.permissions.get(connection.connector_key, ())
    return [key for key in needed if not connection.connector.has_permission(key, granted)]


def check_answer(question: Question, answer: Any) -> Answer:
    """Return the answer to one question, or its default. Raises ValueError with a sentence."""
    if answer in (None, ""):
        answer = question.default
    if answer == "":
        if question.is_required:
            raise ValueError(_(REQUIRED))
        return ""
    return CHECKS[question.kind](question, answer)


def _check_text(question: Question, answer: Any) -> str:
    if not isinstance(answer, str) or not answer.isprintable() or len(answer) > MAX_TEXT_LENGTH:
        names = {"most": MAX_TEXT_LENGTH}
        raise ValueError(_("This must be a text of at most %(most)s characters.") % names)
    if question.pattern and not re.fullmatch(question.pattern, answer, re.ASCII):
        raise ValueError(_("This does not have the expected form."))
    return answer


def _check_choice(question: Question, answer: Any) -> str:
    text = _check_text(question, answer)
    choices = CONNECTORS[question.connector].list_choices_by_kind[question.choices]
    if problem := choices.find_id_problem(text):
        raise ValueError(problem)
    return text


def _check_hour(question: Question, answer: Any) -> int:
    is_digits = isinstance(answer, str) and answer.isascii() and answer.isdigit()
    hour = int(answer) if is_digits and len(answer) <= 2 else answer
    if isinstance(hour, bool) or not isinstance(hour, int) or not 0 <= hour <= 23:
        raise ValueError(_("This must be an hour from 0 to 23."))
    return hour


def _check_selection(question: Question, answer: Any) -> str:
    values = [option.value for option in question.options]
    if answer not in values:
        raise ValueError(_(NOT_ONE_OF) % ", ".join(values))
    return str(answer)


def _check_name(pattern: re.Pattern[str], sentence: str) -> Callable[[Question, Any], str]:
    def check(question: Question, answer: Any) -> str:
        text = _check_text(question, answer)
        if not pattern.fullmatch(text):
            raise ValueError(_(sentence))
        return text

    return check


CHECKS: Mapping[str, Callable[[Question, Any], Answer]] = {
    "text": _check_text,
    "choice": _check_choice,
    "hour": _check_hour,
    "select": _check_selection,
    "object": _check_name(OBJECT_NAME, gettext_noop("This is not the name of an object.")),
    "index": _check_name(INDEX_NAME, gettext_noop("This is not the name of an index.")),
}
