"""Bytes as a person reads them."""

import time

from hub.outgoing.insight.bodies import DISPLAY_LIMIT, INDENT_LIMIT, build_display_body


def test_of_a_long_body_only_what_is_shown_is_looked_through():
    body = build_display_body(b'{"password": "s3cr3t", "rest": "' + b"x" * DISPLAY_LIMIT + b'"}')
    assert body.redacted and body.truncated and "s3cr3t" not in body.raw + body.pretty
    assert len(body.raw) == len(body.pretty) == DISPLAY_LIMIT


def test_a_secret_that_the_cut_goes_through_shows_none_of_itself():
    padding = "x" * (DISPLAY_LIMIT - 12)
    body = build_display_body(
        f"{padding} eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl".encode()
    )
    assert "eyJ" not in body.raw


def test_a_body_of_many_tokens_that_end_nowhere_is_shown_at_once():
    began = time.thread_time()
    build_display_body(b"-eyJ" * (64 * 1024))
    assert time.thread_time() - began < 0.2


def test_a_body_that_is_too_long_to_be_indented_is_shown_as_it_is():
    body = build_display_body(b"[" + b"{}," * (INDENT_LIMIT // 3) + b"{}]")
    assert (body.pretty, body.raw[:4]) == ("", "[{},")
