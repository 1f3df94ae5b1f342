"""What every connector promises. Nobody opts in: whoever is in the registry is held to it."""

import ast
import json
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import connectors
from connectors.base import Grant
from connectors.http import Response, Unreadable
from connectors.outcomes import Outcome
from connectors.registry import CONNECTORS
from connectors.roles import Action, Page
from connectors.schema import Account
from connectors.webhook_sources import SubscriptionPage
from tests.connectors.recorded import (
    NOON,
    SECRETS,
    credential,
    fixtures,
    message,
    recorded,
    rendered,
)

FOLDER = Path(connectors.__file__).parent
KIT_MODULES = {f"connectors.{path.stem}" for path in FOLDER.glob("*.py")}
FILES = {"connector", "actions", "collections", "directory", "errors", "oauth", "schema"}
FILES |= {"webhooks", "webhook_types", "subscriptions", "object_schemas"}
OWN_FILES = {
    "app": {"requests"},
    "pipedrive": {"summaries"},
    "salesforce": {"soql", "tooling", "tooling_responses"},
    "signed_webhook": {"pasted_requests"},
    "slack": {"files"},
    "splunk": {"log_lines"},
}
KIT = KIT_MODULES - {"connectors.__init__", "connectors.registry"} | {
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
TRIES_REFUSALS_AGAIN = {
    "webhook"
}  # Standard Webhooks: all but 2xx, 3xx and 410 is tried again, 401 and 404 too
PARSERS = {"orjson", "defusedxml"}  # they do no I/O
SAYS_BY_STATUS = {"app", "webhook"}  # they answer no JSON
BACK, VERIFIER = "https://hub.test/connect/acme/callback", "v" * 43
APP = {"client_id": "id", "client_secret": "secret"}
ANSWERS = Account | Outcome | Grant | Page | SubscriptionPage | tuple | dict
PLATITUDES = [
    "ok",
    "error",
    "errors",
    "success",
    "code",
    "ackId",
    "acks",
    "invalid-event-number",
    "id",
    "done",
    "data",
    "records",
    "subscription_url",
]

ACTIONS = [(connector, action) for connector in CONNECTORS.values() for action in connector.actions]
each = pytest.mark.parametrize(
    "connector", CONNECTORS.values(), ids=lambda connector: connector.key
)
each_action = pytest.mark.parametrize(
    ("connector", "action"),
    ACTIONS,
    ids=[f"{connector.key}-{action.key}" for connector, action in ACTIONS],
)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(PLATITUDES), inner, max_size=4)
    ),
    max_leaves=8,
)
answers = st.builds(
    Response,
    st.sampled_from(
        [200, 201, 204, 300, 302, 400, 401, 403, 404, 408, 410, 429, 500, 503, 504, 599]
    ),
    st.binary(max_size=99) | documents.map(lambda document: json.dumps(document).encode()),
    st.dictionaries(st.sampled_from(["retry-after", "sforce-limit-info"]), st.text(max_size=20)),
)


def a_message(action, **changes):
    return message(rendered(action.example or action.default), ticket="7:1764072000", **changes)


def read(action, *args, **kwargs):
    (outcome,) = action.read_outcomes(Response(*args, at=NOON, **kwargs), [a_message(action)])
    return outcome


def asks(action):
    return type(action).confirm_request is not Action.confirm_request


def requests(connector):
    """One of each kind that it can build."""
    key = credential(connector.key)
    for action in connector.actions:
        yield action.request([a_message(action)], key)
        if asks(action):
            yield action.confirm_request([a_message(action)], key)
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
    for path in (FOLDER / connector.key).glob("*.py"):
        for name in imports(path):
            root = name.partition(".")[0]
            ours = name in KIT or name.startswith(f"connectors.{connector.key}.")
            is_pure = root in sys.stdlib_module_names and root not in TICKS_OR_STORES
            assert ours or is_pure or root in PARSERS, f"{path} imports {name}"


@each
def test_the_same_kind_of_file_has_the_same_name_in_every_connector(connector):
    files = {path.stem for path in (FOLDER / connector.key).glob("*.py")} - {"__init__"}
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
            (outcome,) = action.read_outcomes(recorded(connector.key, name), [a_message(action)])
            assert isinstance(outcome, Outcome)


@each_action
def test_the_example_can_be_sent(connector, action):
    body = a_message(action).body
    assert action.find_body_problem(body) == ""
    assert None not in body.values()


@each_action
def test_an_empty_body_never_breaks_the_check(connector, action):
    assert bool(action.find_body_problem({})) == any(entry.required for entry in action.inputs)


@each_action
def test_401_asks_for_a_new_authorization(connector, action):
    expected = {"later"} if connector.key in TRIES_REFUSALS_AGAIN else {"refresh", "reconnect"}
    assert read(action, 401).kind in expected


@each_action
def test_404_is_never(connector, action):
    assert read(action, 404).kind == ("later" if connector.key in TRIES_REFUSALS_AGAIN else "never")


@each_action
@pytest.mark.parametrize("status", [429, 503])
def test_waits_as_long_as_it_was_told(connector, action, status):
    outcome = read(action, status, headers={"retry-after": "77"})
    assert (outcome.kind, outcome.after) == ("later", 77.0)


@each_action
def test_a_429_costs_no_attempt_and_rests_what_the_request_spends(connector, action):
    spent = {
        scope for scope, _ in action.request([a_message(action)], credential(connector.key)).spends
    }
    outcome = read(action, 429)
    assert outcome.costs_no_attempt
    assert outcome.paused_scopes and set(outcome.paused_scopes) <= spent


@each_action
def test_a_redirect_is_never_followed(connector, action):
    assert read(action, 302, headers={"location": "http://169.254.169.254/"}).kind == "never"


@each_action
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"null", b"[]", b"{}", b'"ok"', b"\xff\xfe", b"[" * 100_000]
)
def test_an_answer_that_cannot_be_read_is_unknown(connector, action, body):
    assert read(action, 200, body).kind == (
        "delivered" if connector.key in SAYS_BY_STATUS else "unknown"
    )


@each_action
@settings(deadline=None)
@given(response=answers)
def test_strange_answers_are_outcomes_that_a_database_can_keep(connector, action, response):
    three = [
        a_message(action, id=f"msg-{number}")
        for number in range(3 if action.batch_size_max > 1 else 1)
    ]
    outcomes = action.read_outcomes(response, three)
    if asks(action):
        outcomes += action.read_confirmation(response, three)
    assert len(outcomes) == len(three) * (1 + asks(action))
    for outcome in outcomes:
        assert (outcome.reason + outcome.detail + outcome.reference).isprintable()


@each
@settings(deadline=None)
@given(response=answers)
def test_strange_answers_are_outcomes_or_unreadable(connector, response):
    key = credential(connector.key)
    readers = [
        connector.parse_quota_reports,
        *(collection.parse_page for collection in connector.collections),
    ]
    readers += [partial(connector.parse_probe, credential=key)] if connector.has_probe else []
    readers += (
        [partial(connector.parse_refresh, credential=key)] if connector.refreshes_tokens else []
    )
    if connector.needs_oauth:
        readers += [
            partial(connector.parse_token_response, app=APP, credential=key),
            connector.parse_revoke,
        ]
    if connector.subscriptions and not connector.subscriptions.is_manual:
        steps = partial(connector.subscriptions.parse_step, "create")
        readers += [connector.subscriptions.parse_list, steps]
    for reader in readers:
        with suppress(Unreadable):
            assert isinstance(reader(response), ANSWERS)


@each
@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 502])
def test_a_refresh_that_goes_wrong_is_not_the_end_of_the_grant(connector, status):
    if connector.refreshes_tokens:
        outcome = connector.parse_refresh(Response(status, b"<html>"), credential(connector.key))
        assert outcome.kind in {"later", "unknown"}
