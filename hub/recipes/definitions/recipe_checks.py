"""Check whether the routes and jobs of a recipe can work in this release."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import ValidationError

from connectors.registry import CONNECTORS
from hub.mappings.compiler_cache import compiled_filter
from hub.mappings.mapping_actions import check_mapping_body
from hub.mappings.translate import MappingError
from hub.outgoing.models.routes import TYPE_PATTERN
from hub.outgoing.routing import matches_event_type
from hub.recipes.definitions.placeholders import (
    Answers,
    fill_expressions,
    fill_values,
    list_placeholders,
)
from hub.recipes.definitions.recipe import (
    Answer,
    JobTemplate,
    Question,
    Recipe,
    RouteTemplate,
)
from hub.scheduled.jobs.job_checks import InvalidJob, check_job
from hub.scheduled.models import Job

KEY = re.compile(r"[a-z][a-z0-9_]{0,59}", re.ASCII)
HOSTILE_TEXT = 'O\'Brien \\ `x` "y" {{z}}'  # which no expression may be ended by
EXAMPLES: Mapping[str, Answer] = {
    "hour": 9,
    "choice": "C0123456789",
    "object": "Order",
    "index": "main",
}


def find_recipe_problems(recipe: Recipe) -> list[str]:
    """Return the problems of a recipe as sentences; empty if it can work."""
    if problems := [*_find_form_problems(recipe), *_find_connector_problems(recipe)]:
        return problems  # what follows relies on these
    if problems := [*_find_question_problems(recipe), *_find_placeholder_problems(recipe)]:
        return problems
    answers = {question.key: build_example(question) for question in recipe.questions}
    routes = [one for route in recipe.routes for one in _find_route_problems(route, answers)]
    jobs = [one for job in recipe.jobs for one in _find_job_problems(job, answers)]
    return routes + jobs or list(_find_permission_problems(recipe))


def build_example(question: Question) -> Answer:
    """Return an example answer; free text has characters that could break an expression."""
    if question.default != "":
        return question.default
    if question.kind == "select":
        return question.options[0].value if question.options else ""
    return EXAMPLES.get(question.kind, HOSTILE_TEXT)


def _find_form_problems(recipe: Recipe) -> Iterator[str]:
    parts = recipe.parts
    keys = [entry.key for entry in (*recipe.own_questions, *parts)]
    for key in (recipe.key, *keys):
        if not KEY.fullmatch(key):
            yield f"{key!r} is not a key"
    if len({part.key for part in parts}) < len(parts):
        yield "two parts have the same key"
    if (
        isinstance(recipe.version, bool)
        or not isinstance(recipe.version, int)
        or recipe.version < 1
    ):
        yield "its version is not a number from 1 on"
    if not parts:
        yield "it makes nothing"
    if not recipe.marked_title or not recipe.marked_summary:
        yield "title or summary is missing"


def _find_connector_problems(recipe: Recipe) -> Iterator[str]:
    named = {
        *(route.connector for route in recipe.routes),
        *(route.origin for route in recipe.routes if route.origin),
        *(job.connector for job in recipe.jobs),
        *(question.connector for question in recipe.own_questions if question.connector),
    }
    for key in (*recipe.connectors, *named):
        if key not in CONNECTORS:
            yield f"there is no connector {key}"
    if missing := named - set(recipe.connectors):
        yield f"connectors lacks {', '.join(sorted(missing))}"


def _find_question_problems(recipe: Recipe) -> Iterator[str]:
    keys = [question.key for question in recipe.questions]
    for question in recipe.own_questions:
        if keys.count(question.key) > 1:
            yield f"two questions have the key {question.key}"
        option_values = {option.value for option in question.options}
        if question.kind == "select" and question.default not in {"", *option_values}:
            yield f"the default of {question.key} is no option"
        if question.kind == "choice" and (
            question.choices not in CONNECTORS[question.connector].list_choices_by_kind
        ):
            yield f"{question.connector} has no list of {question.choices}"


def _find_placeholder_problems(recipe: Recipe) -> Iterator[str]:
    templates: list[Any] = [
        [part.mapping, part.filter]
        if isinstance(part, RouteTemplate)
        else [part.options, part.cron]
        for part in recipe.parts
    ]
    used = set(list_placeholders(templates))
    known = {question.key for question in recipe.questions}
    for key in sorted(used - known):
        yield f"{{{{{key}}}}} is no question"
    for question in recipe.own_questions:
        if question.key not in used:
            yield f"the answer to {question.key} is not used"


def _find_route_problems(route: RouteTemplate, answers: Answers) -> Iterator[str]:
    try:
        TYPE_PATTERN(route.event_type)
        check_mapping_body(route.connector, route.action, fill_expressions(route.mapping, answers))
        if route.filter:
            compiled_filter(fill_expressions(route.filter, answers))
    except ValidationError as error:
        yield f"{route.key}: {'; '.join(error.messages)}"
    except MappingError as error:
        yield f"{route.key}: its filter {error.message}"
    if route.origin and not _list_incoming_types(route):
        yield f"{route.key}: {route.origin} sends no {route.event_type}"


def _list_incoming_types(route: RouteTemplate) -> list[Any]:
    """Return the event types of the origin that the route takes."""
    source = CONNECTORS[route.origin].webhook_source
    return [
        entry
        for entry in (source.event_types if source else ())
        if matches_event_type(route.event_type, f"{route.origin}.{entry.type}")
    ]


def _find_job_problems(template: JobTemplate, answers: Answers) -> Iterator[str]:
    job = Job(
        kind=template.kind,
        name=template.name,
        connector_key=template.connector,
        cron=fill_values(template.cron, answers),
        options=fill_values(template.options, answers),
    )
    try:
        check_job(job)
    except InvalidJob as invalid:
        yield f"{template.key}: {invalid}"


def _find_permission_problems(recipe: Recipe) -> Iterator[str]:
    needed: dict[str, set[str]] = {key: set() for key in recipe.connectors}
    for route in recipe.routes:
        action = CONNECTORS[route.connector].action(route.action)
        needed[route.connector] |= action.needed_permissions(route.mapping)
        if route.origin:
            needed[route.origin] |= {
                key for entry in _list_incoming_types(route) for key in entry.permissions
            }
    for connector, declared in recipe.permissions.items():
        requested = {entry.key for entry in CONNECTORS[connector].permissions}
        for key in sorted(set(declared) - requested):
            yield f"{connector} does not request the permission {key}"
    for connector, keys in needed.items():
        requested = {entry.key for entry in CONNECTORS[connector].permissions}
        for key in sorted((keys & requested) - set(recipe.permissions.get(connector, ()))):
            yield f"permissions of {connector} lack {key}"
