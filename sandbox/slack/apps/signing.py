"""Requests of Slack to an app: signature v0 over the raw body, 3 seconds, and the retries of
events.

https://docs.slack.dev/authentication/verifying-requests-from-slack and
https://docs.slack.dev/apis/events-api (2026-11).
"""

import hashlib
import hmac

from sandbox.sending.deliveries import Attempt, SendingRules, SignedMessage
from sandbox.sending.http_client import CONNECTION, REDIRECTED, TIMEOUT, TLS, OutgoingResponse

SECONDS = 3.0
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
SIGNATURE, TIMESTAMP = "X-Slack-Signature", "X-Slack-Request-Timestamp"
AGENT = {"User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)", "Accept": "*/*"}
REASONS = {
    TIMEOUT: "http_timeout",
    REDIRECTED: "too_many_redirects",
    CONNECTION: "connection_failed",
    TLS: "ssl_error",
}


def sign(secret: str, timestamp: str, body: bytes) -> str:
    content = b"v0:" + timestamp.encode() + b":" + body
    return f"v0={hmac.digest(secret.encode(), content, hashlib.sha256).hex()}"


def signed_message(secret: str, body: bytes, kind: str, attempt: Attempt) -> SignedMessage:
    timestamp = str(int(attempt.at))
    headers = {
        "Content-Type": kind,
        TIMESTAMP: timestamp,
        SIGNATURE: sign(secret, timestamp, body),
        **AGENT,
        **retry_headers(attempt),
    }
    return SignedMessage(body, headers, SIGNATURE, TIMESTAMP)


def retry_headers(attempt: Attempt) -> dict[str, str]:
    if attempt.failure is None:
        return {}
    reason = "http_error" if attempt.failure.status else "unknown_error"
    return {
        "X-Slack-Retry-Num": str(attempt.number - 1),
        "X-Slack-Retry-Reason": REASONS.get(attempt.failure.failure, reason),
    }


def refuses_retries(response: OutgoingResponse) -> bool:
    """Whether a failure asks for no retry of that event."""
    return response.headers.get("X-Slack-No-Retry") == "1"


EVENT_RULES = SendingRules(SECONDS, waits=(0, 60, 300), redirects=2, is_final=refuses_retries)
ONCE = SendingRules(SECONDS)  # slash commands and clicks: a person waits, and nothing is retried
