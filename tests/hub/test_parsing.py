"""How much JSON is read at a time."""

import gc
import io
import json
import os
import subprocess
import sys
import time
import tracemalloc
from contextlib import suppress
from functools import partial

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from hub.problems import Problem, read_json
from hub.problems.parse_budget import (
    MAX_VALUES,
    PARSE_BUDGET,
    VALUE_BYTES,
    count_separators,
    estimate_memory,
)
from tenants.models import ApiKey

MEBIBYTE = 1024 * 1024
MOST = 8 * MEBIBYTE
EVENTS = "/api/v1/events"


UNITS = (  # texts that make many objects of few bytes
    *(
        "{}",
        "[]",
        '{"a":1}',
        "[1]",
        '"ab"',
        "1234567890",
        "1.5e10",
        "[[[[[[1]]]]]]",
        '"\N{GRINNING FACE}a"',
    ),
    '{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6}',
)
LARGEST = "\n".join(
    [
        "import re, sys",
        "from pathlib import Path",
        "from hub.problems import Problem, read_json",
        "raw = sys.stdin.buffer.read()",
        "def peak(): return int(re.search(r'VmHWM:\\s+(\\d+)', "
        "Path('/proc/self/status').read_text())[1])",
        "before = peak()",
        "try:",
        "    read_json(raw)",
        "except Problem:",
        "    pass",
        "print((peak() - before) // 1024)",
    ]
)


def build_large_array(unit, *, bytes_most=MOST, values_most=None):
    """An array of a text so often that it is just not refused, or as large as a body may be."""
    separators = sum(unit.count(sign) for sign in ",[{") + 1
    count = (bytes_most - 2) // (len(unit.encode()) + 1)
    if values_most:
        count = min(count, (values_most - 1) // separators)
    return ("[" + ",".join([unit] * count) + "]").encode()


def names(count):
    return ("{" + ",".join(f'"{number:x}":"{number:x}"' for number in range(count)) + "}").encode()


HOSTILE = {
    **{f"{unit} as often as can be": partial(build_large_array, unit) for unit in UNITS},
    **{
        f"{unit} as often as is taken": partial(build_large_array, unit, values_most=MAX_VALUES)
        for unit in UNITS
    },
    "names": partial(names, MAX_VALUES - 1),
    "depth": lambda: b"[" * MOST,
    "quotes": lambda: b'"' * MOST,
    "objects in objects": lambda: b'{"a":' * (MOST // 5),
    "one text": lambda: b'["' + b"x" * (MOST - 4) + b'"]',
    "one text of wide characters": lambda: (
        '["\N{GRINNING FACE}'.encode() + b"x" * (MOST - 8) + b'"]'
    ),
}


@pytest.mark.desk
@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_no_body_takes_more_than_100_megabytes(body):
    process = subprocess.run(
        [sys.executable, "-c", LARGEST], input=body(), capture_output=True, check=True
    )
    assert int(process.stdout) <= 100


@pytest.mark.parametrize("unit", ["{}", "[]", "1", '"a"', '{"a":1}'])
def test_a_document_of_too_many_values_is_refused_before_it_is_read(unit):
    raw = build_large_array(unit)
    started_at = time.thread_time()
    with pytest.raises(Problem) as refusal:
        read_json(raw)
    assert refusal.value.code == "payload-too-large" and time.thread_time() - started_at < 2


SIGNS = b"," * (MAX_VALUES + 1)
SLOW = {  # texts of which a part could be read again and again
    "a text that nothing ends": lambda: b'["' + SIGNS + rb"\"" * 300_000,
    "an escape that nothing ends": lambda: b'["' + SIGNS + b'\\\n"' * 300_000,
    "a long name of many values": lambda: (
        b'{"' + b"x" * 500_000 + b'":[' + b"[]," * 80_000 + b"1]}"
    ),
}


@pytest.mark.parametrize("body", SLOW.values(), ids=SLOW)
def test_no_body_is_read_more_than_once(body):
    raw = body()
    started_at = time.thread_time()
    with suppress(Problem):
        read_json(raw)
    assert time.thread_time() - started_at < 2


def test_signs_in_texts_are_no_values():
    text = "{[,\\" * MAX_VALUES
    assert read_json(json.dumps([text]).encode()) == [text]


@given(
    st.recursive(
        st.none() | st.text(alphabet='a,[{"\\]}é'),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_the_exact_count_is_that_of_the_values(value):
    assert count_separators(json.dumps(value, ensure_ascii=False).encode()) == separators(value)


def separators(value):
    if not isinstance(value, list | dict):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(0, len(value) - 1) + sum(map(separators, inner))


def test_a_value_weighs_more_than_its_text():
    assert (
        estimate_memory(b"[{},{}]") == 4 * VALUE_BYTES
        and estimate_memory(b'"' + b"x" * 98 + b'"') == 100
    )


def test_a_tenant_has_a_quarter_of_what_all_may_read():
    assert PARSE_BUDGET.share * 4 == PARSE_BUDGET.limit == 64 * MEBIBYTE


def test_the_largest_document_fits_into_the_share_of_a_tenant():
    assert max(settings.DATA_UPLOAD_MAX_MEMORY_SIZE, MAX_VALUES * VALUE_BYTES) <= PARSE_BUDGET.share


@pytest.fixture
def exhausted_budget():
    """All is taken by somebody else."""
    PARSE_BUDGET.acquire(PARSE_BUDGET.limit, None)
    yield
    PARSE_BUDGET.release(PARSE_BUDGET.limit, None)


def post_raw(client, raw):
    return client.post(EVENTS, raw, content_type="application/json")


def test_a_tenant_that_reads_its_share_is_refused_and_no_other(api, make):
    acme, other = make.tenant("acme"), make.tenant("other")
    of_acme, of_other = (api.of(tenant, scopes=["events:write"]) for tenant in (acme, other))
    with PARSE_BUDGET.acquire_for_block(PARSE_BUDGET.share, acme.pk):
        assert post_raw(of_acme, b'{"type": "a", "data": {}}').status_code == 503
        assert post_raw(of_other, b'{"type": "a", "data": {}}').status_code == 202


@pytest.mark.usefixtures("exhausted_budget")
def test_when_too_much_is_read_already_the_answer_says_when_to_come_again(api, make):
    answer = post_raw(
        api.of(make.tenant("acme"), scopes=["events:write"]), b'{"type": "a", "data": {}}'
    )
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (
        503,
        "overloaded",
        "1",
    )


@pytest.mark.parametrize(
    "raw",
    [
        b'{"type": "a", "data": {}}',
        b"[",
        b'{"type": 1}',
        build_large_array("{}", bytes_most=10_000),
    ],
)
def test_what_a_request_has_read_is_given_back_when_it_is_answered(api, make, raw):
    post_raw(api.of(make.tenant("acme"), scopes=["events:write"]), raw)
    assert (PARSE_BUDGET.used, dict(PARSE_BUDGET.used_by)) == (0, {})


def test_one_document_is_at_most_a_mebibyte_and_an_array_eight(api, make):
    client = api.of(make.tenant("acme"), scopes=["events:write"])
    single = b' {"type": "a", "data": {"text": "' + b"x" * MEBIBYTE + b'"}}'
    event = json.dumps({"type": "a", "data": {"text": "x" * 200_000}}).encode()
    assert post_raw(client, single).status_code == 413
    assert post_raw(client, b" [" + b",".join([event] * 40) + b"]").status_code == 202
    assert post_raw(client, b" [" + b",".join([event] * 45) + b"]").status_code == 413


@pytest.fixture
def without_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def kept_connection():
    """Django's handler would close the connection that holds the test's transaction; its test
    client does likewise.
    """
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def served(handler, key, raw):
    """As the front has it served; the test client would hold the body itself."""
    headers = {"Authorization": f"Bearer {key}"}
    environ = (
        RequestFactory().post(EVENTS, raw, content_type="application/json", headers=headers).environ
    )
    environ["wsgi.input"] = io.BytesIO(raw)
    response = handler(environ, lambda *head: None)
    response.close()
    environ["wsgi.input"].close()
    return response.status_code


@pytest.mark.usefixtures("without_collector", "kept_connection")
@pytest.mark.parametrize(
    "last", ["1", '{"type": 1}', ",".join("1" * MAX_VALUES)], ids=["one", "two", "many"]
)
def test_no_body_is_held_until_the_collector_comes_by(make, last):
    _row, key = ApiKey.issue(
        name="key", scopes=["events:write"], random=os.urandom, tenant=make.tenant("acme")
    )
    handler = WSGIHandler()
    tracemalloc.start()
    try:
        for _ in range(3):
            before = tracemalloc.get_traced_memory()[0]
            assert served(handler, key, f'["{"x" * MEBIBYTE}", {last}]'.encode()) == 413
        assert tracemalloc.get_traced_memory()[0] - before < MEBIBYTE / 2
    finally:
        tracemalloc.stop()
