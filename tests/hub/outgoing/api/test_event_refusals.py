"""What is no event has a clear answer, and nothing is stored."""

import json
from datetime import timedelta

import pytest

from hub.db.clock import clock
from tests.hub.outgoing.api.test_events import EVENTS, ORDER, post_event, refusal, send

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"data": {}}, "/type"),
        ({"type": "Order Created", "data": {}}, "/type"),
        ({"type": "order\n", "data": {}}, "/type"),
        ({"type": "a" * 121, "data": {}}, "/type"),
        ({"type": "order.created"}, "/data"),
        (ORDER | {"data": None}, "/data"),
        (ORDER | {"data": "text"}, "/data"),
        (ORDER | {"id": "x" * 201}, "/id"),
        (ORDER | {"id": ""}, "/id"),
        (ORDER | {"id": " o-1"}, "/id"),
        (ORDER | {"id": "o\n1"}, "/id"),
        (ORDER | {"id": "o\x7f1"}, "/id"),
        (ORDER | {"id": {}}, "/id"),
        (ORDER | {"occurred": "now"}, "/occurred"),
        (ORDER | {"occurred_at": "2026-11-25T12:00:00"}, "/occurred_at"),
        (ORDER | {"occurred_at": "2026-11-25"}, "/occurred_at"),
        (ORDER | {"occurred_at": "yesterday"}, "/occurred_at"),
        (ORDER | {"occurred_at": 1732536000}, "/occurred_at"),
        (ORDER | {"occurred_at": "1999-12-31T23:59:59Z"}, "/occurred_at"),
        (ORDER | {"occurred_at": "0001-01-01T00:00:00+14:00"}, "/occurred_at"),
        (ORDER | {"occurred_at": "9999-12-31T23:59:59-14:00"}, "/occurred_at"),
    ],
)
def test_a_wrong_field_is_named(shop, body, pointer):
    assert refusal(post_event(shop, body)) == (400, "validation-failed", [pointer])


def test_a_moment_too_far_ahead_is_refused(shop):
    soon, far = (clock() + timedelta(hours=hours) for hours in (23, 25))
    assert refusal(post_event(shop, ORDER | {"occurred_at": far.isoformat()})) == (
        400,
        "validation-failed",
        ["/occurred_at"],
    )
    assert post_event(shop, ORDER | {"occurred_at": soon.isoformat()}).status_code == 202


@pytest.mark.parametrize("body", ["null", '"text"', "1", "[]", "[[]]", "[1]", "{}", ""])
def test_what_is_no_event_is_refused(shop, body):
    assert refusal(send(shop, body))[:2] == (400, "validation-failed")


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"\xff\xfe{",
        b'{"type": "order.created", "data": {"a": NaN}}',
        b'{"type": "order.created", "data": {"a": 1e999}}',
        b'{"type": "order.created", "data": {"a": 1, "a": 2}}',
        b'{"type": "order.created", "data": {"a": "\\u0000"}}',
        b'{"type": "order.created", "data": {"a": "\\ud800"}}',
        b'{"type": "order.created", "data": ' + b"[" * 100_000,
        b'{"type": "order.created", "data": {"a": ' + b"9" * 5000 + b"}}",
    ],
    ids=["cut", "utf-16", "nan", "infinite", "doubled", "nul", "surrogate", "deep", "huge number"],
)
def test_hostile_json_has_a_clear_answer(shop, raw):
    assert refusal(send(shop, raw))[:2] == (400, "invalid-json")


def test_an_event_that_is_too_large_is_refused_alone_and_in_a_batch(shop, settings):
    large = ORDER | {"data": {"text": "x" * settings.HUB_EVENT_BYTES}}
    assert refusal(post_event(shop, large)) == (413, "payload-too-large", [""])
    assert refusal(post_event(shop, [ORDER, large])) == (413, "payload-too-large", ["/1"])


def test_a_body_that_is_too_large_is_refused(shop, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert refusal(post_event(shop, [ORDER] * 10))[:2] == (413, "payload-too-large")


def test_a_platform_key_without_a_tenant_reads_where_to_name_it(platform, acme):
    batch = [ORDER | {"tenant": "acme"}, ORDER]
    assert refusal(post_event(platform, batch)) == (400, "tenant-required", ["/1/tenant"])
    assert refusal(post_event(platform, ORDER)) == (400, "tenant-required", ["/tenant"])


def test_another_tenant_is_answered_like_none(make, shop, platform):
    make.tenant("globex")
    for client, name in ((shop, "globex"), (shop, "nobody"), (platform, "nobody")):
        assert refusal(post_event(client, ORDER | {"tenant": name})) == (
            404,
            "tenant-not-found",
            ["/tenant"],
        )


def test_a_key_without_the_scope_is_refused(api, acme):
    client = api.of(acme, scopes=["events:read"])
    assert refusal(post_event(client, ORDER))[:2] == (403, "scope-missing")


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"],
)
def test_other_formats_are_refused(shop, content_type):
    response = shop.post(EVENTS, json.dumps(ORDER), content_type=content_type)
    assert refusal(response)[:2] == (415, "unsupported-media-type")
