"""Forged, repeated and respelled signatures are rejected."""

import base64
import gzip
import hashlib
from dataclasses import replace

import pytest

from connectors.signatures import GITHUB, SHOPIFY, SLACK, STANDARD_WEBHOOKS, Cause, sign, verify
from tests.connectors.signatures.cases import POST, cause_of, github_digest
from tests.connectors.signatures.requests import (
    BODY,
    NOW,
    SIGNED,
    TEXT_SECRET,
    WHSEC_SECRET,
    replace_header,
)


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ("sha256=" + "0" * 64, Cause.WRONG_SECRET),
        ("sha256=" + github_digest().upper(), Cause.MALFORMED_SIGNATURE),
        ("SHA256=" + github_digest(), Cause.MALFORMED_SIGNATURE),
        (github_digest(), Cause.MALFORMED_SIGNATURE),
        ("sha1=" + github_digest(algorithm="sha1"), Cause.MALFORMED_SIGNATURE),
        ("sha256=" + github_digest(algorithm="sha1"), Cause.MALFORMED_SIGNATURE),
        ("sha512=" + github_digest(algorithm="sha512"), Cause.MALFORMED_SIGNATURE),
        ("sha256=" + github_digest(b""), Cause.WRONG_SECRET),
        ("sha256=" + github_digest(key=""), Cause.WRONG_SECRET),
        ("sha256=" + github_digest(key="None"), Cause.WRONG_SECRET),
        ("sha256=" + github_digest(key="null"), Cause.WRONG_SECRET),
        ("sha256=" + github_digest(key="{secret}"), Cause.WRONG_SECRET),
        ("sha256=" + hashlib.sha256(BODY).hexdigest(), Cause.WRONG_SECRET),
        ("sha256=sha256=" + github_digest(), Cause.MALFORMED_SIGNATURE),
        ("sha256= " + github_digest(), Cause.MALFORMED_SIGNATURE),
        (f"sha256={github_digest()} sha256={github_digest()}", Cause.MALFORMED_SIGNATURE),
        (
            "sha256=" + base64.b64encode(bytes.fromhex(github_digest())).decode(),
            Cause.MALFORMED_SIGNATURE,
        ),
    ],
)
def test_a_forged_signature_of_github_is_rejected(value, cause):
    request = replace(POST, headers=(("X-Hub-Signature-256", value),))
    assert cause_of(GITHUB, request) == cause


# this digest contains + and /, which another base64 spells differently
SHOPIFY_BODY = next(
    body
    for body in (b'{"id":%d}' % number for number in range(1000))
    if {"+", "/"}
    <= set(
        dict(sign(SHOPIFY, replace(POST, body=body), [TEXT_SECRET], NOW).headers)[
            "X-Shopify-Hmac-Sha256"
        ]
    )
)


@pytest.mark.parametrize(
    "respell",
    [
        lambda value: base64.b64decode(value).hex(),
        lambda value: value.rstrip("="),
        lambda value: value + "=",
        lambda value: value.replace("+", "-").replace("/", "_"),
        lambda value: value[:10] + "\n" + value[10:],
        lambda value: value[:10] + "!" + value[10:],
        lambda value: "sha256=" + value,
        lambda value: value + "," + value,
    ],
)
def test_a_second_spelling_of_a_signature_in_base64_is_malformed(respell):
    request = sign(SHOPIFY, replace(POST, body=SHOPIFY_BODY), [TEXT_SECRET], NOW)
    value = dict(request.headers)["X-Shopify-Hmac-Sha256"]
    assert verify(SHOPIFY, request, [TEXT_SECRET], NOW).is_valid
    changed = replace_header(request, "X-Shopify-Hmac-Sha256", respell(value))
    assert cause_of(SHOPIFY, changed) == Cause.MALFORMED_SIGNATURE


def test_the_unused_bits_of_base64_are_zero():
    request = sign(SHOPIFY, POST, [TEXT_SECRET], NOW)
    value = dict(request.headers)["X-Shopify-Hmac-Sha256"]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    twin = value[:-2] + alphabet[alphabet.index(value[-2]) ^ 1] + "="
    assert base64.b64decode(twin) == base64.b64decode(value)
    changed = replace_header(request, "X-Shopify-Hmac-Sha256", twin)
    assert cause_of(SHOPIFY, changed) == Cause.WRONG_SECRET


def test_the_version_of_slack_is_part_of_the_signature():
    request = SIGNED["slack"].request
    value = dict(request.headers)["X-Slack-Signature"].replace("v0=", "v1=")
    changed = replace_header(request, "X-Slack-Signature", value)
    assert cause_of(SLACK, changed) == Cause.MALFORMED_SIGNATURE


@pytest.mark.parametrize(
    "change",
    [
        lambda body: b"\xef\xbb\xbf" + body,
        lambda body: body + b"\n",
        lambda body: body + b"\x00",
        lambda body: body.replace(b",", b", "),
        lambda body: body.decode().encode("utf-16"),
        lambda body: body.replace("ë".encode(), "e\u0308".encode()),
        lambda body: body.replace("ë".encode(), b"\\u00eb"),
        lambda body: body.replace("ë".encode(), b"\xff"),
        lambda body: gzip.compress(body, mtime=0),
        lambda body: b"",
        lambda body: b"type=order.created",
    ],
)
@pytest.mark.parametrize("case", SIGNED.values(), ids=SIGNED)
def test_a_body_in_a_second_spelling_is_another_body(case, change):
    request = replace(case.request, body=change(BODY))
    assert cause_of(case.scheme, request, case.secret) == Cause.WRONG_SECRET


def test_a_list_of_signatures_is_examined_beyond_the_first_but_not_without_end():
    request = SIGNED["standard webhooks"].request
    good = dict(request.headers)["webhook-signature"]
    bad = "v1," + base64.b64encode(b"x" * 32).decode()

    def verdict(*signatures):
        changed = replace_header(request, "webhook-signature", " ".join(signatures))
        return verify(STANDARD_WEBHOOKS, changed, [WHSEC_SECRET], NOW)

    assert verdict(bad, good).is_valid and verdict(good, bad).is_valid
    assert verdict(*[bad] * 9, good).is_valid
    assert verdict(*[bad] * 10, good).cause == Cause.WRONG_SECRET
    assert verdict(*[bad] * 1000, good).cause == Cause.MALFORMED_SIGNATURE
    assert verdict("v1,", good).cause == Cause.MALFORMED_SIGNATURE
    assert verdict(good.removeprefix("v1,")).cause == Cause.MALFORMED_SIGNATURE
    assert verdict(good, "", good).cause == Cause.MALFORMED_SIGNATURE
