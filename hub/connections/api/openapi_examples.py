"""Descriptions and examples of connections and connectors for the OpenAPI document."""

from hub.rest.openapi import (
    CHANGE_PROBLEMS,
    EXAMPLE_ID,
    EXAMPLE_ORIGIN,
    EXAMPLE_TIME,
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

LATER = "2026-11-25T16:00:00Z"

CONNECT_BODY = {
    "tenant": "acme",
    "connector": "splunk",
    "name": "Acme's Splunk",
    "settings": {"url": "https://splunk.acme.example:8088", "use_ack": False},
    "secrets": {"token": "11111111-2222-3333-4444-555555555555"},
}

CONNECTION = {
    "id": EXAMPLE_ID,
    "url": f"{EXAMPLE_ORIGIN}/api/v1/connections/{EXAMPLE_ID}",
    "page_url": f"{EXAMPLE_ORIGIN}/open/connections/{EXAMPLE_ID}",
    "tenant": "acme",
    "connector": "splunk",
    "name": "Acme's Splunk",
    "account": {"id": "", "name": "splunk.acme.example"},
    "state": "healthy",
    "reason": "",
    "sentence": "It works.",
    "action": "",
    "detail": "",
    "state_changed_at": EXAMPLE_TIME,
    "until": None,
    "created_at": EXAMPLE_TIME,
    "checked_at": EXAMPLE_TIME,
}
PAUSED = CONNECTION | {
    "state": "paused",
    "reason": "paused",
    "sentence": "The connection is paused.",
    "action": "Resume the connection.",
    "detail": "They move servers.",
    "until": LATER,
}
DISABLED = CONNECTION | {
    "state": "disabled",
    "reason": "disabled",
    "sentence": "The connection is disabled.",
    "action": "Enable the connection.",
    "detail": "They asked us to stop.",
}
ROTATED_SECRET = {
    "signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "overlap_until": "2026-11-26T12:00:00Z",
    "connection": CONNECTION | {"connector": "webhook", "name": "Acme's endpoint"},
}
DISCONNECTED_CONNECTION = CONNECTION | {
    "state": "disabled",
    "reason": "disconnected",
    "sentence": "A person disconnected it. Its history is kept.",
    "action": "Connect the same account again.",
    "detail": "Customer left.",
}
DISCONNECTED = {
    "cancelling": 12,
    "detail": "",
    "revoke_at": None,
    "connection": DISCONNECTED_CONNECTION,
}
TESTED = {
    "passed": True,
    "reason": "",
    "steps": [{"label": "The credential is accepted", "state": "passed", "detail": ""}],
    "connection": CONNECTION,
}


CONNECT_AT = f"{EXAMPLE_ORIGIN}/connect/link/3vQeUZ4rT0sPz7Lk2mXbN9cWdYfHgJ5aE8iR1oKtVuS/"
CONNECT_LINK = {
    "id": EXAMPLE_ID,
    "tenant": "acme",
    "connector": "slack",
    "connection": None,
    "environment": "",
    "login_host": "",
    "maker": "Acme",
    "state": "pending",
    "created_at": EXAMPLE_TIME,
    "expires_at": "2026-11-26T12:00:00Z",
}
