"""Scopes, problems and headers of the REST API of connections, and an example of a request."""

from hub.rest.openapi import (
    CHANGE_PROBLEMS,
    header_parameter,
)

READ, WRITE = "connections:read", "connections:write"

WRITE_PROBLEMS = (
    "invalid-json",
    "validation-failed",
    "payload-too-large",
    "unsupported-media-type",
)
ACTION_PROBLEMS = (*WRITE_PROBLEMS, *CHANGE_PROBLEMS)
CONNECT_PROBLEMS = (
    *WRITE_PROBLEMS,
    "tenant-required",
    "tenant-not-found",
    "tenant-suspended",
    "already-connected",
    "test-failed",
    "idempotency-key-reused",
)
CONNECTION_CHANGE_PROBLEMS = (
    *WRITE_PROBLEMS,
    "not-found",
    "tenant-suspended",
    "other-account",
    "wrong-state",
    "test-failed",
)
IDEMPOTENCY_HEADERS = [
    header_parameter(
        "Idempotency-Key",
        "The same request with the same key receives the first response, for 24 hours.",
    ),
    header_parameter(
        "Idempotency-Replayed",
        "true: this response is a repetition of the first one.",
        response=[201],
    ),
    header_parameter("Location", "URL of the connection.", response=[201]),
]

CONNECT_BODY = {
    "tenant": "acme",
    "connector": "splunk",
    "name": "Acme's Splunk",
    "settings": {"url": "https://splunk.acme.example:8088", "use_ack": False},
    "secrets": {"token": "11111111-2222-3333-4444-555555555555"},
}
