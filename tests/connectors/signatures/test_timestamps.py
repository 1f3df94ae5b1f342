"""Timestamps of signatures: what is within the tolerance, and what is no time."""

import math
from dataclasses import replace

import pytest

from connectors.signatures import SLACK, STRIPE, Cause, verify
from tests.connectors.signatures.cases import MALFORMED, POST, STAMP, cause_of, github_digest
from tests.connectors.signatures.requests import BODY, NOW, SIGNED, ZENDESK, replace_header


@pytest.mark.parametrize("offset", [0, 299, 300, -299, -300])
@pytest.mark.parametrize("case", [SIGNED["slack"], SIGNED["stripe"], SIGNED["hubspot"]])
def test_a_timestamp_within_the_tolerance_is_accepted(case, offset):
    assert verify(case.scheme, case.request, [case.secret], NOW + offset).is_valid


@pytest.mark.parametrize(
    "name", ["slack", "stripe", "standard webhooks", "hubspot", "zendesk", "paddle", "discord"]
)
def test_a_timestamp_beyond_the_tolerance_is_rejected(name):
    case = SIGNED[name]
    assert cause_of(case.scheme, case.request, case.secret, NOW + 301) == Cause.STALE_TIMESTAMP
    assert cause_of(case.scheme, case.request, case.secret, NOW - 301) == Cause.FUTURE_TIMESTAMP


@pytest.mark.parametrize("now", [math.nan, math.inf, -math.inf, 1e308])
def test_a_clock_that_shows_no_time_accepts_nothing(now):
    case = SIGNED["slack"]
    assert not verify(case.scheme, case.request, [case.secret], now).is_valid


TIMESTAMPS = {
    "0": Cause.STALE_TIMESTAMP,
    "1": Cause.STALE_TIMESTAMP,
    str(2**63): Cause.FUTURE_TIMESTAMP,
    STAMP + "000": Cause.FUTURE_TIMESTAMP,  # milliseconds
    "9" * 20: Cause.FUTURE_TIMESTAMP,
    "9" * 21: Cause.MALFORMED_TIMESTAMP,
    "9" * 5000: Cause.MALFORMED_TIMESTAMP,
    "-1": Cause.MALFORMED_TIMESTAMP,
    "+" + STAMP: Cause.MALFORMED_TIMESTAMP,
    "abc": Cause.MALFORMED_TIMESTAMP,
    "nan": Cause.MALFORMED_TIMESTAMP,
    "inf": Cause.MALFORMED_TIMESTAMP,
    "-inf": Cause.MALFORMED_TIMESTAMP,
    "1e10": Cause.MALFORMED_TIMESTAMP,
    "1e400": Cause.MALFORMED_TIMESTAMP,
    STAMP + ".0": Cause.MALFORMED_TIMESTAMP,
    STAMP[:3] + "_" + STAMP[3:]: Cause.MALFORMED_TIMESTAMP,
    "0x" + STAMP: Cause.MALFORMED_TIMESTAMP,
    STAMP[:-1] + "３": Cause.MALFORMED_TIMESTAMP,
    STAMP.translate({48 + digit: 0x660 + digit for digit in range(10)}): Cause.MALFORMED_TIMESTAMP,
    STAMP + "\x00": Cause.MALFORMED_TIMESTAMP,
    STAMP + "\n": Cause.MALFORMED_TIMESTAMP,
    "2025-11-27T11:30:00Z": Cause.MALFORMED_TIMESTAMP,
}


@pytest.mark.parametrize(("timestamp", "cause"), TIMESTAMPS.items(), ids=range(len(TIMESTAMPS)))
def test_a_signed_timestamp_that_is_none_is_rejected(timestamp, cause):
    """Even with a valid signature of it."""
    content = b"v0:" + timestamp.encode("utf-8", "surrogatepass") + b":" + BODY
    headers = (
        ("X-Slack-Request-Timestamp", timestamp),
        ("X-Slack-Signature", "v0=" + github_digest(content)),
    )
    assert cause_of(SLACK, replace(POST, headers=headers)) == cause


@pytest.mark.parametrize(
    "timestamp",
    [
        STAMP,
        "2025-11-27T11:30:00",
        "2025-11-27 11:30:00Z",
        "2025-13-27T11:30:00Z",
        "2025-11-27T25:30:00Z",
        "2025-11-27T11:30:00+99:00",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "２025-11-27T11:30:00Z",
        "2025-W48-4T11:30:00Z",
    ],
)
def test_a_date_that_is_none_is_malformed(timestamp):
    name = "X-Zendesk-Webhook-Signature-Timestamp"
    request = replace_header(SIGNED["zendesk"].request, name, timestamp)
    assert cause_of(ZENDESK, request) in {Cause.MALFORMED_TIMESTAMP, Cause.STALE_TIMESTAMP}


@pytest.mark.parametrize("header", ["t={t},t={t},v1={v}", "t={t};v1={v}", "v1={v}", "t={t}"])
def test_a_header_of_stripe_with_two_timestamps_or_none_is_malformed(header):
    digest = github_digest(STAMP.encode() + b"." + BODY)
    request = replace(POST, headers=(("Stripe-Signature", header.format(t=STAMP, v=digest)),))
    assert cause_of(STRIPE, request) in MALFORMED
