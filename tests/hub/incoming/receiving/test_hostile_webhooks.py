"""Hostile webhooks of every source: never a 5xx, never accepted unverified, processed once."""

import gzip
from dataclasses import replace

import pytest

from connectors.signatures import SharedSecretScheme
from hub.incoming.models import InboundItem, InboundMessage
from tests.hub.incoming.sources import SOURCES, make_sender
from tests.hub.incoming.webhook_posts import run_inbox

pytestmark = pytest.mark.django_db(transaction=True)

ENTITIES = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "lol" * 10}">' for n in range(10))
CONTENTS = {
    "empty": b"",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"x"',
    "a number": b"1",
    "an empty object": b"{}",
    "trailing garbage": b"{} x",
    "two documents": b"{}{}",
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 30_000,
    "constants": b'{"a": NaN, "b": Infinity, "c": 1e999, "d": -0}',
    "a long number": b'{"event_time": ' + b"9" * 5000 + b"}",
    "NUL": b'{"event_id": "a\\u0000b", "type": "event_callback"}',
    "a lone surrogate": b'{"event_id": "\\ud800", "type": "event_callback"}',
    "names of Python": b'{"__proto__": {}, "__class__": 1, "": 2}',
    "repeated names": b'{"tenant": 1, "tenant": 2}',
    "many keys": b"{" + b",".join(b'"%d":1' % n for n in range(20_000)) + b"}",
    "not UTF-8": b"\xff\xfe\x00",
    "BOM": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "gzip": gzip.compress(b"{}"),
    "an envelope of Slack without content": b'{"type": "event_callback"}',
    "an envelope of Slack with other types": (
        b'{"type": "event_callback", "event": [], "event_id": 1, "event_time": "x",'
        b' "authorizations": [[]], "team_id": {"a": 1}}'
    ),
    "an event of Pipedrive without content": b'{"meta": {}, "data": null}',
    "an event of Pipedrive with other types": (
        b'{"meta": {"action": [], "entity": {}, "company_id": 1e999, "id": "\\u0000"},'
        b' "data": "x", "previous": []}'
    ),
    "laughs": f"<!DOCTYPE x [{ENTITIES}]><x>&a9;</x>".encode(),
    "a file": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
    "an inclusion": (
        b'<x xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd"'
        b' parse="text"/></x>'
    ),
    "deep XML": b"<a>" * 20_000 + b"</a>" * 20_000,
    "many attributes": b"<a " + b" ".join(b'b%d="c"' % n for n in range(20_000)) + b"/>",
    "CDATA": b"<x><![CDATA[<SessionId>secret</SessionId>]]></x>",
    "UTF-7": b'<?xml version="1.0" encoding="UTF-7"?><x/>',
    "a form": b"payload=%7B%22type%22%3A1%7D&payload=2",
    "a form with many fields": b"&".join(b"a%d=1" % n for n in range(5000)),
    "a form of a command": b"command=%00&team_id=%ff&text=" + b"x" * 10_000,
}
CONTENT_TYPES = ("application/json", "application/x-www-form-urlencoded", "x" * 300)


@pytest.fixture(params=SOURCES)
def sender(request, make, client):
    return make_sender(make, client, request.param)


def test_an_authentic_request_with_hostile_content_is_answered_and_processed_once(sender):
    client = sender.client
    client.raise_request_exception = True  # an exception of ours fails this test at once
    for name, content in CONTENTS.items():
        for content_type in CONTENT_TYPES:
            answer = sender.send(sender.sign(content, content_type))
            assert answer.status_code < 500, (name, content_type)
    for _ in range(3):
        run_inbox()
    assert not InboundMessage.unscoped.filter(due_at__isnull=False).exists()
    assert not InboundItem.unscoped.filter(state="received").exists()


SIGNATURES = (
    *("", "none", "null", "sha256=", "sha256=" + "0" * 64, "sha1=" + "0" * 40, "v0=", "v1=,"),
    *("v1,", "v0=" + "0" * 64, "v0=" + "G" * 64, "Basic", "Basic !!!!", "Basic Og==", "Bearer x"),
    *(" ".join(["v1,AAAA"] * 1000), ",".join(["v0=00"] * 1000), "t=nan,v1=00", "\u00e9" * 40),
)
TIMESTAMPS = (
    *("", "abc", "1e10", "nan", "-1", "0", str(2**63), "1.5", "+1764000000"),
    *("\u0661\u0662\u0663", "9" * 5000),
)


def list_authentication_headers(sender):
    """Return the headers that authenticate a request; none where the URL does."""
    return [name for name, _ in sender.sign(b"{}").headers if name != "Content-Type"]


def replace_header(request, name, value):
    headers = tuple((key, value if key == name else old) for key, old in request.headers)
    return replace(request, headers=headers)


def without_header(request, name):
    return replace(request, headers=tuple(pair for pair in request.headers if pair[0] != name))


def test_a_request_without_a_right_signature_is_rejected_whatever_it_has_instead(sender):
    right = sender.sign(b"{}")
    for name in list_authentication_headers(sender):
        assert 400 <= sender.send(without_header(right, name)).status_code < 500
        for value in (*SIGNATURES, *TIMESTAMPS):
            value = value.encode("utf-8").decode("latin-1")
            answer = sender.send(replace_header(right, name, value))
            assert 400 <= answer.status_code < 500, (name, value[:40])
    assert not InboundMessage.unscoped.filter(state="accepted").exists()


def test_a_changed_body_is_rejected_where_the_signature_covers_it(sender):
    if isinstance(sender.receiver.scheme, SharedSecretScheme):
        pytest.skip("the scheme authenticates the sender and leaves the body unsigned")
    right = sender.sign(b'{"a": "x"}')
    for body in (b'{"a":"x"}', b'\xef\xbb\xbf{"a": "x"}', b'{"a": "x"}\n', b"", b'{"a": "y"}'):
        assert 400 <= sender.send(replace(right, body=body)).status_code < 500
    assert not InboundMessage.unscoped.filter(state="accepted").exists()


def test_another_spelling_of_the_url_is_not_ours(sender):
    right = sender.sign(b"{}")
    path = right.path
    key = path.rstrip("/").rpartition("/")[2]
    wrong = (
        path.replace(key, key.swapcase()),
        path.replace(key, f"{key}%00"),
        path.replace(key, f"{key}%20"),
        path.replace(key, "x" * 5000),
        path.replace(key, "%ff"),
        path.replace(f"/{key}", f"//{key}"),
        path.replace(f"/{key}", f"%2f{key}"),
        path.replace("/hooks/", "/Hooks/"),
        f"/hooks/unknown/{key}/",
    )
    for other in wrong:
        assert sender.send(right, path=other).status_code == 404, other
    assert not InboundMessage.unscoped.exists()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_store_nothing(sender, method):
    assert sender.send(sender.sign(b"{}"), method=method).status_code == 405
    assert not InboundMessage.unscoped.exists()
