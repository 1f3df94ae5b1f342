"""Bytes as a person reads them."""

import time

from hub.outgoing.insight.bodies import DISPLAYED_LENGTH_MAX, INDENTED_BYTES_MAX, build_display_body


def test_of_a_long_body_only_what_is_shown_is_looked_through():
    body = build_display_body(
        b'{"password": "s3cr3t", "rest": "' + b"x" * DISPLAYED_LENGTH_MAX + b'"}'
    )
    assert body.is_redacted and body.is_truncated and "s3cr3t" not in body.raw + body.pretty
    assert len(body.raw) == len(body.pretty) == DISPLAYED_LENGTH_MAX


def test_a_secret_that_the_cut_goes_through_shows_none_of_itself():
    padding = "x" * (DISPLAYED_LENGTH_MAX - 12)
    body = build_display_body(
        f"{padding} eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl".encode()
    )
    assert "eyJ" not in body.raw


def test_a_body_of_many_tokens_that_end_nowhere_is_shown_at_once():
    started_at = time.thread_time()
    build_display_body(b"-eyJ" * (64 * 1024))
    assert time.thread_time() - started_at < 0.2


def test_a_body_that_is_too_long_to_be_indented_is_shown_as_it_is():
    body = build_display_body(b"[" + b"{}," * (INDENTED_BYTES_MAX // 3) + b"{}]")
    assert (body.pretty, body.raw[:4]) == ("", "[{},")
