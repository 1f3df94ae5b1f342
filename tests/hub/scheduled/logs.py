"""Log lines for tests: bodies of NDJSON, and lines that are stored."""

import json

from hub.scheduled.log_intake.append import append_chunks, build_chunk_input
from hub.scheduled.log_intake.lines import parse_lines
from tests.factories import NOON


def ndjson(*documents):
    return b"".join(json.dumps(document).encode() + b"\n" for document in documents)


def entries(count, first=0):
    return [{"level": "info", "message": f"line {first + number}"} for number in range(count)]


def store_lines(tenant, *documents, source="api", key="key 1", now=NOON):
    lines = list(parse_lines(ndjson(*documents), now=now))
    (stored,) = append_chunks([build_chunk_input(tenant, source, key, lines, now=now)])
    return stored.chunk
