"""What every connector that receives webhooks promises; whoever has a source is held to it."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from connectors.outcomes import READ_ERRORS
from connectors.registry import CONNECTORS
from connectors.signatures import SharedSecretScheme
from connectors.webhook_request import WebhookRequest
from connectors.webhook_sources import MAX_ID_LENGTH, StoredRequest, Subscriptions
from tests.connectors.webhook_requests import FORM, JSON, REQUESTS, XML, post

SOURCES = {
    key: connector.webhook_source
    for key, connector in CONNECTORS.items()
    if connector.webhook_source
}
KEPT = {
    key: connector.subscriptions for key, connector in CONNECTORS.items() if connector.subscriptions
}
CASES = [(key, case) for key in SOURCES for case in REQUESTS[key]]
TYPES = [(key, type) for key, source in SOURCES.items() for type in source.event_types]
DEEP = 5000
each = pytest.mark.parametrize("key", SOURCES)
each_case = pytest.mark.parametrize(("key", "case"), CASES)
each_json_case = pytest.mark.parametrize(
    ("key", "case"), [c for c in CASES if REQUESTS[c[0]][c[1]][0].body.startswith(b"{")]
)
each_type = pytest.mark.parametrize(
    ("key", "type"), TYPES, ids=[f"{key}.{type.type}" for key, type in TYPES]
)
each_kept = pytest.mark.parametrize("key", KEPT)


def iterate_paths(document, path=()):
    """Yield the path of every value in a JSON document, containers included."""
    yield path
    children = document.items() if isinstance(document, dict) else ()
    children = enumerate(document) if isinstance(document, list) else children
    for name, child in children:
        yield from iterate_paths(child, (*path, name))


def replace_value(document, path, value):
    """Return the document with another value at a path; without it if the value is `...`."""
    if not path:
        return {} if value is ... else value
    copy = dict(document) if isinstance(document, dict) else list(document)
    if len(path) == 1 and value is ...:
        del copy[path[0]]
    else:
        copy[path[0]] = replace_value(document[path[0]], path[1:], value)
    return copy


def assert_read_or_refused(key, request, settings=None):
    """Read a request in every way: bounded texts, or one of READ_ERRORS by `items` alone."""
    source, settings = SOURCES[key], settings or {}
    message_id = source.message_id(request, settings)
    assert isinstance(message_id, str) and message_id
    assert isinstance(source.share_key(request), str)
    assert isinstance(source.split_secrets(request), StoredRequest)
    assert source.acknowledgement(request).status == 200
    with suppress(*READ_ERRORS):
        for item in source.parse_items(request, settings, message_id=message_id):
            texts = (item.id, item.type, item.account, item.record, item.author)
            assert all(text.isprintable() and len(text) <= MAX_ID_LENGTH for text in texts)
            assert item.occurred_at is None or item.occurred_at.tzinfo is UTC


# --- what it declares ---


@each
def test_there_is_a_request_as_the_system_sends_it(key):
    assert REQUESTS[key]


@each
def test_it_states_event_types_once(key):
    types = [entry.type for entry in SOURCES[key].event_types]
    assert types and len(types) == len(set(types))


@each_type
def test_an_event_type_is_described_with_a_valid_example(key, type):
    Draft202012Validator.check_schema(type.schema)
    Draft202012Validator(type.schema).validate(type.example)
    assert type.label.endswith(".")


@each_type
def test_what_an_event_type_needs_is_an_optional_permission(key, type):
    optional = {entry.key for entry in CONNECTORS[key].permissions if entry.optional}
    assert set(type.permissions) <= optional


@each
def test_a_secret_that_people_enter_is_a_secret_field(key):
    source, connector = SOURCES[key], CONNECTORS[key]
    fields = {"app_field": connector.app_fields, "connection_field": connector.fields}
    if source.secret_from in fields:
        (field,) = (
            entry for entry in fields[source.secret_from] if entry.key == source.secret_field
        )
        assert field.secret


@each
def test_no_secret_is_among_the_stored_headers(key):
    stored = set(SOURCES[key].stored_headers_for({}))
    assert not stored & {"authorization", "cookie", "x-slack-signature", "webhook-signature"}
    assert all(name == name.lower() for name in stored)


@each
def test_a_made_secret_is_usable(key):
    source = SOURCES[key]
    if source.secret_from == "made":
        assert len(source.make_secret("x" * 32)) >= source.scheme.secret_bytes_min


# --- what it reads ---


@each_case
def test_a_request_of_the_system_becomes_an_item_of_the_documented_shape(key, case):
    source, (request, expected) = SOURCES[key], REQUESTS[key][case]
    (item,) = source.parse_items(request, {}, message_id=source.message_id(request))
    assert item.type == expected
    schemas = {entry.type: entry.schema for entry in source.event_types}
    Draft202012Validator(schemas.get(item.type, {"type": "object"})).validate(dict(item.data))


@each_case
def test_what_is_stored_gives_the_same_items_and_has_no_secret(key, case):
    source, (request, _type) = SOURCES[key], REQUESTS[key][case]
    message_id = source.message_id(request)
    names = source.stored_headers_for({})
    stored = WebhookRequest(
        "POST",
        "",
        source.split_secrets(request).body,
        tuple(pair for pair in request.headers if pair[0].lower() in names),
        query=request.query,
    )
    read = partial(source.parse_items, settings={}, message_id=message_id)
    assert read(request) == read(stored)
    for secret in (b"XXYYZZ", b"hooks.slack.com", b"!session", b"13345224609"):
        assert secret not in stored.body


@each_case
def test_the_id_is_the_same_when_it_is_sent_again(key, case):
    source, (request, _type) = SOURCES[key], REQUESTS[key][case]
    again = WebhookRequest("POST", "", request.body, request.headers, query=request.query)
    assert source.message_id(request) == source.message_id(again)


@pytest.mark.corrections(item="2.3")
@each_case
def test_what_its_scheme_does_not_sign_is_no_part_of_the_id(key, case):
    source, (request, _type) = SOURCES[key], REQUESTS[key][case]
    if isinstance(source.scheme, SharedSecretScheme):
        pytest.skip("it signs nothing: who knows the secret states all of the request")
    changed = replace(request, query="a=1", headers=(*request.headers, ("X-Request-Id", "2")))
    assert source.message_id(changed) == source.message_id(request)


# --- what is hostile ---


@each
@pytest.mark.parametrize("headers", [(), JSON, FORM, XML], ids=["none", "json", "form", "xml"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"ok"',
        b"\xff\xfe\x00",
        b"<html>",
        b"payload=%00&payload=[[",
        b"payload=" + b"[" * DEEP,
        b"a=1&" * 2000,
        b"[" * DEEP + b"]" * DEEP,
        b'{"a":' * 900 + b"1" + b"}" * 900,
        b"<a>" * DEEP,
        b'{"type": NaN}',
        b'{"type": 1e999}',
        b'{"type": "\\ud800"}',
    ],
)
def test_a_strange_body_never_breaks_it(key, headers, body):
    assert_read_or_refused(key, post(body, headers, query="change=%ff&change"))


@each_json_case
@pytest.mark.parametrize(
    "value",
    [..., None, True, 0, -1, 1e308, 10**40, "", "\x00", "x" * 500, [], [[]], {}, {"a": None}],
    ids=repr,
)
def test_another_value_anywhere_never_breaks_it(key, case, value):
    request, _type = REQUESTS[key][case]
    document = json.loads(request.body)
    for path in iterate_paths(document):
        assert_read_or_refused(
            key, post(json.dumps(replace_value(document, path, value)).encode(), JSON)
        )


@each_case
@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_changed_bytes_never_break_it(key, case, data):
    request, _type = REQUESTS[key][case]
    at = data.draw(st.integers(0, len(request.body) - 1))
    inserted, removed = data.draw(st.binary(max_size=9)), data.draw(st.integers(0, 40))
    body = request.body[:at] + inserted + request.body[at + removed :]
    assert_read_or_refused(key, post(body, request.headers, request.query))


@each
@settings(deadline=None, max_examples=50)
@given(
    body=st.binary(max_size=200),
    query=st.text(max_size=30),
    header=st.text(max_size=30),
)
def test_any_bytes_never_break_it(key, body, query, header):
    assert_read_or_refused(key, post(body, (*JSON, ("webhook-id", header)), query))


@each
@pytest.mark.parametrize(
    "time",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "soon",
        1e17,
        -1e17,
        1e308,
        "9" * 99,
    ],
)
def test_a_time_out_of_range_never_breaks_it(key, time):
    for request, _type in REQUESTS[key].values():
        with suppress(ValueError):
            document = json.loads(request.body)
            for name in ("event_time", "timestamp"):
                for holder in (document, document.get("meta", {})):
                    holder[name] = time
            assert_read_or_refused(key, post(json.dumps(document).encode(), JSON))


# --- how its registrations are kept ---


@each_kept
def test_registrations_are_kept_for_a_source_only(key):
    assert key in SOURCES


@each_kept
def test_all_event_types_are_wanted_with_keys_of_their_own_urls(key):
    kept = KEPT[key]
    types = [entry.type for entry in SOURCES[key].event_types if not entry.is_only_read]
    registrations = kept.list_wanted_registrations(types)
    assert (
        set().union(*registrations.values()) >= set(types)
        and kept.list_wanted_registrations([]) == {}
    )
    url = "https://hub.test/hooks/x/y/"
    assert all(kept.build_url(url, name).startswith(url) for name in registrations)


@each_kept
def test_a_guide_says_what_a_person_does(key):
    kept = KEPT[key]
    steps = [step % {"url": "https://hub.test/x", "secret": "s"} for step in kept.guide]
    assert steps and all(step.endswith((".", "s", "x")) for step in steps)
    assert not kept.is_manual or any("%(url)s" in step for step in kept.guide)


@each_kept
def test_what_is_done_by_hand_calls_nothing(key):
    if KEPT[key].is_manual:
        assert type(KEPT[key]).list_request is Subscriptions.list_request


@each_kept
def test_registering_needs_optional_permissions_only(key):
    optional = {entry.key for entry in CONNECTORS[key].permissions if entry.optional}
    assert set(KEPT[key].permissions) <= optional
