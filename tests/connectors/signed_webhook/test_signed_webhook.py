"""Any sender: known signatures, described ones, and what becomes of a request."""

import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from connectors.registry import CONNECTORS
from connectors.signatures import PRESETS, Cause, HmacScheme, SchemeError, Secret, sign, verify
from connectors.signed_webhook.webhooks import clean_event_type, find_value
from connectors.webhook_sources import check_pasted_request
from tests.connectors.recorded import WHSEC, credential
from tests.connectors.webhook_requests import USER_CREATED, post, post_json

CONNECTOR = CONNECTORS["signed_webhook"]
SOURCE = CONNECTOR.webhook_source
NOW = 1764000000.0
SECRET = "a secret of 24 characters"
CUSTOM = {
    "preset": "custom",
    "header": "X-Acme-Signature",
    "algorithm": "sha512",
    "signed": "{timestamp}.{body}",
    "prefix": "sha512=",
    "separator": "none",
    "timestamp_header": "X-Acme-Timestamp",
    "tolerance": 60,
}


def check(settings, secret, text, now):
    return check_pasted_request(SOURCE, settings, [Secret(secret)], text, now)


def parse_item(document, settings=None, *headers):
    request = post_json(document, *headers)
    settings = settings or {}
    message_id = SOURCE.message_id(request, settings)
    (item,) = SOURCE.parse_items(request, settings, message_id=message_id)
    return item


def paste(body, headers, *, line_end="\n"):
    lines = ["POST /hooks/signed_webhook/x/ HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    return line_end.join((*lines, "", body))


def paste_standard(body, **options):
    headers = {
        "Content-Type": "application/json",
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(NOW)),
        "webhook-signature": Webhook(WHSEC).sign("msg_1", datetime.fromtimestamp(NOW, UTC), body),
    }
    return paste(body, headers, **options)


# --- the connector ---


def test_it_only_receives():
    assert CONNECTOR.actions == () and not CONNECTOR.has_probe and CONNECTOR.checks_every is None


@pytest.mark.parametrize(
    ("settings", "secret", "problem"),
    [
        ({}, WHSEC, ""),
        ({"preset": "github"}, SECRET, ""),
        (CUSTOM, SECRET, ""),
        ({}, "", "signing secret"),
        ({}, "whsec_short", "signing secret"),
        ({"preset": "github"}, "short", "signing secret"),
        ({"preset": "none"}, SECRET, "preset"),
        ({"preset": "custom"}, SECRET, "header"),
        (CUSTOM | {"signed": "{body"}, SECRET, "signed"),
        (CUSTOM | {"timestamp_header": ""}, SECRET, "signed"),
        (CUSTOM | {"separator": "|"}, SECRET, "separator"),
        ({"type_path": "a..b"}, WHSEC, "type_path"),
        ({"item_id_header": "a b"}, WHSEC, "item_id_header"),
    ],
)
def test_what_cannot_verify_anything_is_refused_by_name(settings, secret, problem):
    credential_problem = CONNECTOR.find_credential_problem(
        credential("signed_webhook", secret={"signing_secret": secret}, settings=settings)
    )
    assert credential_problem.startswith(problem) and bool(credential_problem) == bool(problem)


def test_every_preset_is_offered():
    (field,) = (entry for entry in CONNECTOR.fields if entry.key == "preset")
    assert {value for value, _label in field.choices} == {*PRESETS, "custom"}
    for preset, scheme in PRESETS.items():
        assert SOURCE.scheme_for({"preset": preset, "header": "ignored"}) is scheme


def test_a_described_scheme_verifies_what_was_signed_by_it():
    scheme = SOURCE.scheme_for(CUSTOM)
    assert isinstance(scheme, HmacScheme) and (scheme.algorithm, scheme.tolerance) == ("sha512", 60)
    body, stamp = b'{"a":1}', str(int(NOW))
    digest = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha512).hexdigest()
    headers = (("X-Acme-Signature", f"sha512={digest}"), ("X-Acme-Timestamp", stamp))
    assert verify(scheme, post(body, headers), [Secret(SECRET)], NOW).is_valid
    assert not verify(scheme, post(body + b" ", headers), [Secret(SECRET)], NOW).is_valid


def test_settings_that_describe_nothing_have_no_scheme_and_the_id_of_the_content():
    settings = {"preset": "custom"}
    with pytest.raises(SchemeError, match="header"):
        SOURCE.scheme_for(settings)
    assert parse_item({"a": 1}, settings).id == parse_item({"a": 1}, {"preset": "github"}).id


# --- items ---


def test_a_standard_webhook_has_its_id_and_type_and_the_body_as_data():
    item = parse_item(USER_CREATED, None, ("webhook-id", "msg_1"))
    assert (item.id, item.type, item.data) == ("msg_1", "user.created", USER_CREATED)


def test_the_id_is_read_where_the_settings_say():
    by_path = {"preset": "stripe", "item_id_path": "data.0.id"}
    assert parse_item({"data": [{"id": 7}]}, by_path).id == "7"


def test_without_an_id_the_content_is_the_id():
    first, again = (parse_item({"a": 1}, {"preset": "github"}).id for _ in range(2))
    assert first == again != parse_item({"a": 2}, {"preset": "github"}).id


@pytest.mark.corrections(item="2.3")
def test_a_header_that_the_signature_does_not_cover_is_shown_and_no_id():
    github = {"preset": "github", "item_id_header": "X-GitHub-Delivery"}
    plain = parse_item({"a": 1}, github).id
    for name in ("webhook-id", "X-GitHub-Delivery"):
        assert parse_item({"a": 1}, github, (name, "another")).id == plain
    assert "x-github-delivery" in SOURCE.stored_headers_for(github)


@pytest.mark.parametrize(
    ("value", "type"),
    [
        ("user.created", "user.created"),
        ("Order Created!", "order_created_"),
        ("orders/create", "orders_create"),
        ("..a...b..", "a.b"),
        ("x" * 200, "x" * 80),
        ("…", "_"),
        (".", "message.received"),
        ("", "message.received"),
        (7, "message.received"),
        (None, "message.received"),
    ],
)
def test_a_type_has_small_letters_digits_and_dots(value, type):
    assert clean_event_type(value) == type


def test_a_path_leads_through_names_and_positions_or_to_nothing():
    document = {"a": [{"b": 1}]}
    assert find_value(document, "a.0.b") == 1
    for path in ("a.1.b", "a.b", "a.0.b.c", "x", "a.-1", "a.999999999"):
        assert find_value(document, path) is None


# --- a pasted request ---


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_pasted_request_is_verified_and_read(line_end):
    text = paste_standard(json.dumps(USER_CREATED), line_end=line_end)
    pasted = check({}, WHSEC, text, NOW)
    assert pasted.verdict.is_valid and pasted.error == ""
    assert [(item.id, item.type) for item in pasted.items] == [("msg_1", "user.created")]


def test_a_pasted_body_of_several_lines_is_verified_with_either_line_end():
    body = json.dumps(USER_CREATED, indent=2).replace("\n", "\r\n")
    assert check({}, WHSEC, paste_standard(body), NOW).verdict.is_valid


def test_a_line_end_after_the_pasted_body_does_no_harm():
    text = paste_standard(json.dumps(USER_CREATED)) + "\n"
    assert check({}, WHSEC, text, NOW).verdict.is_valid


def test_a_pasted_request_says_why_it_is_rejected_and_still_shows_the_items():
    text = paste_standard(json.dumps(USER_CREATED))
    pasted = check({}, WHSEC, text, NOW + 301)
    assert pasted.verdict.cause is Cause.STALE_TIMESTAMP and len(pasted.items) == 1
    changed = check({}, WHSEC, text.replace("Ann", "Bob"), NOW)
    assert changed.verdict.cause is Cause.WRONG_SECRET


@pytest.mark.parametrize(
    ("settings", "text", "error"),
    [
        ({}, "", "empty line"),
        ({}, "POST / HTTP/1.1\nno colon\n\n{}", "colon"),
        ({}, "no request\n\n{}", "request"),
        ({}, "x" * 300_000, "characters"),
        ({"preset": "custom"}, "A: b\n\n{}", "header"),
        ({}, "A: b\n\n[]", "object"),
    ],
)
def test_what_cannot_be_read_says_why(settings, text, error):
    assert error in check(settings, WHSEC, text, NOW).error


@pytest.mark.parametrize("preset", PRESETS)
def test_what_a_preset_signs_is_verified_when_it_is_pasted(preset):
    secret = WHSEC if preset == "standard_webhooks" else SECRET
    body = '{"type":"a.b"}'
    request = post(body.encode(), (("Content-Type", "application/json"),))
    if preset == "twilio":
        body = "MessageSid=SM1"
        request = post(body.encode(), (("Content-Type", "application/x-www-form-urlencoded"),))
    signed = sign(PRESETS[preset], request, [Secret(secret)], NOW, id="msg_1")
    text = paste(body, dict(signed.headers)).replace("/hooks/signed_webhook/x/", request.url)
    assert check({"preset": preset}, secret, text, NOW).verdict.is_valid
