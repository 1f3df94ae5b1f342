"""Every kind and message that the code passes to `create_notice` is declared, and none is
unused.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from connectors.webhook_sources.sender_rules import Effect
from hub.connections.connecting.connector_requests import REQUEST_NOTICE_KIND
from hub.notices.kinds import NOTICE_KINDS
from hub.notices.messages import NOTICE_MESSAGES
from hub.notices.models import Notice

STAFF_KINDS = {REQUEST_NOTICE_KIND}  # no member of a tenant chooses mails of these
STATES = {"needs_reconnect", "degraded"}  # `notify_state_change` passes them as kind and message
EFFECTS = {f"webhooks_threatened_{effect}" for effect in get_args(Effect)}
COMPUTED = {
    "connection.state": STATES,
    "f'{NOTICE_KIND}_{effect}'": EFFECTS,
}
PARAMETERS = ["kind", "message"]  # of `create_notice`; a function with both is a wrapper


def find_created_notices() -> tuple[set[str], set[str]]:
    """Return the kinds and the messages of all calls of `create_notice` and of its wrappers."""
    kinds: set[str] = set()
    messages: set[str] = set()
    for path in Path("hub").rglob("*.py"):
        module = ast.parse(path.read_text())
        for function, call, parameters in find_creating_calls(module):
            kinds |= resolve(call.args[parameters.index("kind")], function, module)
            messages |= resolve(call.args[parameters.index("message")], function, module)
    return kinds, messages


def find_creating_calls(
    module: ast.Module,
) -> Iterator[tuple[ast.FunctionDef, ast.Call, list[str]]]:
    functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]
    creators = {"create_notice": PARAMETERS} | {
        function.name: parameter_names(function)
        for function in functions
        if set(PARAMETERS) <= set(parameter_names(function))
    }
    for function in functions:
        for call in ast.walk(function):
            name = getattr(call.func, "id", "") if isinstance(call, ast.Call) else ""
            if name in creators:
                yield function, call, creators[name]


def parameter_names(function: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in function.args.args]


def resolve(value: ast.expr, function: ast.FunctionDef, module: ast.Module) -> set[str]:
    """Return the strings that the expression may be; an unknown expression as its source."""
    if isinstance(value, ast.Constant):
        return {value.value}
    if isinstance(value, ast.IfExp):
        return resolve(value.body, function, module) | resolve(value.orelse, function, module)
    if isinstance(value, ast.Name):
        if value.id in parameter_names(function):
            return set()  # a wrapper: its own calls are examined
        if assigned := find_assigned_values(value.id, function, module):
            return set().union(*(resolve(each, function, module) for each in assigned))
    return COMPUTED.get(ast.unparse(value), {ast.unparse(value)})


def find_assigned_values(
    name: str, function: ast.FunctionDef, module: ast.Module
) -> list[ast.expr]:
    return [
        value
        for statement in [*ast.walk(function), *module.body]
        if isinstance(statement, ast.Assign)
        for target, value in split_assignment(statement)
        if ast.unparse(target) == name
    ]


def split_assignment(statement: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    target, value = statement.targets[0], statement.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return zip(target.elts, value.elts, strict=True)
    return iter([(target, value)])


def test_the_declared_kinds_are_those_that_are_created():
    kinds, _messages = find_created_notices()
    assert kinds == {*NOTICE_KINDS} | STAFF_KINDS


def test_the_declared_messages_are_those_that_are_created():
    _kinds, messages = find_created_notices()
    assert messages == {*NOTICE_MESSAGES}


@pytest.mark.parametrize(
    ("message", "parameters"), [("of_another_version", {}), ("not_revoked", {"system": "Slack"})]
)
def test_a_notice_that_cannot_be_rendered_has_the_label_of_its_kind(message, parameters):
    notice = Notice(kind="disabled", message=message, parameters=parameters)
    assert notice.sentence == NOTICE_KINDS["disabled"].label
