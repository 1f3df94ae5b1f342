"""What every connector promises. Nobody opts in: whoever is in the registry is held to it."""

import ast
import sys
from pathlib import Path

import pytest

import connectors
from connectors.outcomes import Outcome
from connectors.registry import CONNECTORS
from tests.connectors.every_connector import (
    APP,
    BACK,
    SAYS_BY_STATUS,
    VERIFIER,
    build_example_message,
    each,
    each_action,
    needs_confirmation,
)
from tests.connectors.recorded import NOON, SECRETS, credential, fixtures, recorded

FOLDER = Path(connectors.__file__).parent
KIT_MODULES = {f"connectors.{path.stem}" for path in FOLDER.glob("*.py")}
FILES = {"connector", "actions", "collections", "directory", "errors", "oauth", "schema"}
FILES |= {"webhooks", "webhook_types", "subscriptions", "canaries", "feeds", "object_schemas"}
OWN_FILES = {
    "app": {"requests"},
    "pipedrive": {"summaries"},
    "salesforce": {"bulk", "soql", "tooling_api"},
    "signed_webhook": {"pasted_requests"},
    "slack": {"files"},
    "splunk": {"log_lines"},
}
KIT = KIT_MODULES - {"connectors.__init__", "connectors.registry"} | {
    "connectors.roles",
    "connectors.signatures",
    "connectors.webhook_sources",
}
TICKS_OR_STORES = {
    "asyncio",
    "http",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "sqlite3",
    "ssl",
}
TICKS_OR_STORES |= {"subprocess", "threading", "time"}
PARSERS = {"orjson", "defusedxml"}  # they do no I/O


def requests(connector):
    """One of each kind that it can build."""
    key = credential(connector.key)
    for action in connector.actions:
        yield action.request([build_example_message(action)], key)
        if needs_confirmation(action):
            yield action.confirm_request([build_example_message(action)], key)
    if connector.has_probe:
        yield connector.probe_request(key, at=NOON)
    if connector.refreshes_tokens:
        yield connector.refresh_request(APP, key)
    if connector.needs_oauth:
        yield connector.exchange_request(
            APP, key, code="code-1", redirect_uri=BACK, verifier=VERIFIER
        )
        yield connector.revoke_request(APP, key)
    for collection in connector.collections:
        yield collection.page_request(key, at=NOON, **collection.example)


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module


@each
def test_lives_in_the_folder_it_is_named_after(connector):
    assert type(connector).__module__ == f"connectors.{connector.key}.connector"


@each
def test_knows_the_kit_and_its_own_folder_only(connector):
    for path in (FOLDER / connector.key).rglob("*.py"):
        for name in imports(path):
            root = name.partition(".")[0]
            ours = name in KIT or name.startswith(f"connectors.{connector.key}.")
            is_pure = root in sys.stdlib_module_names and root not in TICKS_OR_STORES
            assert ours or is_pure or root in PARSERS, f"{path} imports {name}"


@each
def test_the_same_kind_of_file_has_the_same_name_in_every_connector(connector):
    files = {path.stem for path in (FOLDER / connector.key).iterdir()} - {"__init__", "__pycache__"}
    assert "connector" in files
    assert files <= FILES | OWN_FILES.get(connector.key, set())
    assert ("actions" in files) == bool(connector.actions)
    assert ("oauth" in files) == connector.needs_oauth
    assert ("collections" in files) == bool(connector.collections)
    assert ("errors" in files) or connector.key in SAYS_BY_STATUS or not connector.actions
    assert ("webhooks" in files) == ("webhook_types" in files) == bool(connector.webhook_source)
    assert ("subscriptions" in files) == bool(connector.subscriptions)


@each_action
def test_an_action_is_defined_beside_the_other_actions(connector, action):
    assert type(action).__module__ == f"connectors.{connector.key}.actions"


@each
def test_is_found_by_its_key(connector):
    assert CONNECTORS[connector.key] is connector
    assert all(connector.action(action.key) is action for action in connector.actions)
    with pytest.raises(LookupError):
        connector.action("no such action")


@each
def test_says_what_a_person_must_know(connector):
    assert connector.label and connector.summary.endswith(".")
    for part in (
        *connector.fields,
        *connector.app_fields,
        *connector.actions,
        *connector.collections,
    ):
        assert part.label and part.help, part.key
    for action in connector.actions:
        assert action.permissions, action.key
        assert all(entry.label and entry.help for entry in action.inputs), action.key


@each
def test_says_in_the_catalogue_what_moves_and_under_what_it_is_found(connector):
    if not connector.is_for_platform:
        assert connector.categories and connector.synonyms
        assert {move.direction for move in connector.data_flows} == {"out", "in"}
        assert all(text.endswith(".") for text in (connector.approval, connector.plan) if text)


@each
def test_its_own_credential_passes(connector):
    assert connector.find_credential_problem(credential(connector.key)) == ""


@each
def test_an_empty_credential_is_refused_with_a_sentence(connector):
    assert connector.find_credential_problem(credential(connector.key, secret={}, settings={}))


@each
def test_without_a_probe_it_is_not_asked_again(connector):
    assert connector.has_probe or connector.checks_every is None


@each
def test_every_request_names_a_scope_that_is_limited_or_says_why_not(connector):
    for request in requests(connector):
        assert request.spends, request
        assert any(
            connector.quota(scope) or scope.kind in connector.unlimited_reasons
            for scope, _ in request.spends
        ), request


@each
def test_no_secret_is_in_an_address_or_a_repr(connector):
    for request in requests(connector):
        for secret in SECRETS[connector.key].values():
            assert secret not in request.url and secret not in repr(request)


@each
def test_reads_every_fixture_in_its_folder(connector):
    assert len(fixtures(connector.key)) >= (15 if connector.actions else 0)
    for name in fixtures(connector.key):
        for action in connector.actions:
            (outcome,) = action.read_outcomes(
                recorded(connector.key, name), [build_example_message(action)]
            )
            assert isinstance(outcome, Outcome)


@each_action
def test_the_example_can_be_sent(connector, action):
    body = build_example_message(action).body
    assert action.find_body_problem(body) == ""
    assert None not in body.values()


@each_action
def test_an_empty_body_never_breaks_the_check(connector, action):
    assert bool(action.find_body_problem({})) == any(entry.required for entry in action.inputs)
