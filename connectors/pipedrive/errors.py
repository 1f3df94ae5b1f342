"""The error responses of Pipedrive: of its API, its token endpoint, and Cloudflare."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from connectors.http import Report, Response, Scope, Unreadable, parse_retry_after
from connectors.outcomes import (
    Outcome,
    OutcomeBuilder,
    account_closed,
    later,
    never,
    outcome_of_status,
    permission_missing,
    reconnect,
    refresh,
    throttled,
    unknown,
)

COMPANY = Scope("account")  # the tokens of its day, shared by all of its users and all apps
BURST = Scope("connection")  # the calls of one access token
ADDRESS = Scope("address")  # ours: Cloudflare blocks it for all companies
TOKEN = Scope("app", "token")

# seconds between probes of a spent daily budget: its end is not documented
DAILY_BUDGET_WAIT_SECONDS = 3600.0
BLOCKED_WAIT_SECONDS = 900.0  # seconds; how long Cloudflare blocks is not documented
HIGHEST_COST_TOKENS = 10  # tokens; with fewer left, the daily budget counts as spent

FEATURE_NOT_ENABLED = "feature_not_enabled"
# https://pipedrive.readme.io/docs/core-api-concepts-http-status-codes
OUTCOMES_BY_STATUS: Mapping[int, tuple[OutcomeBuilder, str]] = {
    400: (never, "bad_request"),
    401: (refresh, "unauthorized_access"),
    # the trial has ended, or a payment is missing
    402: (partial(account_closed, pauses=(COMPANY,)), "account_not_open"),
    403: (never, "forbidden"),  # a limit of the plan, or a field that it does not have
    404: (never, "not_found"),
    415: (never, FEATURE_NOT_ENABLED),
    422: (never, "unprocessable"),
}
# by `error`, where it is more specific than the status
ERRORS: Mapping[str, tuple[OutcomeBuilder, str]] = {
    "scope and url mismatch": (permission_missing, "missing_scope"),
}
# of the token endpoint; errors of our registration are retried until staff fix them
OUTCOMES_BY_OAUTH_ERROR: Mapping[str, OutcomeBuilder] = {
    "invalid_grant": reconnect,
    "invalid_client": later,
    "invalid_request": later,
    "unsupported_grant_type": later,
}


def find_rejection(response: Response) -> Outcome | None:
    """Return the Outcome of an error response of the API; None for 2xx."""
    rejection = outcome_of_status(response)
    if rejection is None:
        return None
    if _is_blocked(response):
        return _build_blocked_outcome(response)
    if response.status == 429:
        return _build_quota_outcome(response)
    error = _parse_error(response)
    detail = _format_error(error) or rejection.detail
    if table_entry := ERRORS.get(str(error.get("error")).lower()) or OUTCOMES_BY_STATUS.get(
        response.status
    ):
        build_outcome, reason = table_entry
        return build_outcome(reason, detail)
    return replace(rejection, detail=detail)


def find_token_rejection(response: Response) -> Outcome | None:
    """Return the Outcome of an error response of the token endpoint; None for 2xx.

    Its body is `{"error", "message"}`.
    """
    if response.status < 300:
        return None
    if _is_blocked(response):
        return _build_blocked_outcome(response)
    wait = parse_retry_after(response)
    if response.status == 429:
        return throttled(response.text(), after=wait, pauses=(TOKEN,))
    if response.status == 503:
        return later("unavailable", response.text(), after=wait)
    error = _parse_error(response)
    if not isinstance(error.get("error"), str):
        return unknown(f"status_{response.status}", response.text(), after=wait)
    return OUTCOMES_BY_OAUTH_ERROR.get(error["error"], later)(
        error["error"], str(error.get("message", ""))
    )


def _is_blocked(response: Response) -> bool:
    """Return whether Cloudflare blocks us, as it does after calls that ignore a 429.

    Its body is an HTML page or `error code: 1015`; the API's own responses are JSON.
    """
    text = response.text().lower()
    return (
        response.status in (403, 429)
        and not _parse_error(response)
        and ("<html" in text or "error code: 10" in text)
    )


def _build_blocked_outcome(response: Response) -> Outcome:
    after = parse_retry_after(response) or BLOCKED_WAIT_SECONDS
    return throttled(
        "Cloudflare blocks our address: too many calls came after a 429",
        after=after,
        pauses=(ADDRESS,),
    )


def _build_quota_outcome(response: Response) -> Outcome:
    """Return the Outcome of a 429.

    The daily budget is spent, unless the headers report that the two-second window is.
    """
    detail, wait = _format_error(_parse_error(response)), parse_retry_after(response) or 0.0
    day, burst = (
        _parse_number_header(response, "x-daily-ratelimit-token-remaining"),
        _parse_number_header(response, "x-ratelimit-remaining"),
    )
    if day == 0 or burst:  # a Retry-After of seconds comes all the same
        return throttled(
            detail or "the daily token budget is used up",
            after=max(wait, DAILY_BUDGET_WAIT_SECONDS),
            pauses=(COMPANY,),
        )
    if burst == 0:
        reset = _parse_number_header(response, "x-ratelimit-reset") or 1
        return throttled(
            detail or "too many calls in two seconds", after=max(wait, reset), pauses=(BURST,)
        )
    return throttled(detail, after=wait or None, pauses=(COMPANY, BURST))


def parse_budget_report(response: Response) -> Report | None:
    """Parse the report of the company's daily budget; None if there is none.

    The headers are observed, not documented, and missing at times (2026-01).
    """
    limit = _parse_number_header(response, "x-daily-ratelimit-token-limit")
    remaining = _parse_number_header(response, "x-daily-ratelimit-token-remaining")
    if not limit or remaining is None or remaining > limit:
        return None
    return Report(
        COMPANY,
        used=limit - remaining,
        limit=limit,
        resets_in=DAILY_BUDGET_WAIT_SECONDS if remaining < HIGHEST_COST_TOKENS else None,
    )


def _parse_number_header(response: Response, header: str) -> int | None:
    text = response.headers.get(header, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _parse_error(response: Response) -> Mapping[str, Any]:
    """Parse the body of an error response; empty if it is not a JSON object."""
    try:
        answer = response.json()
    except Unreadable:
        return {}
    return answer if isinstance(answer, Mapping) else {}


def _format_error(error: Mapping[str, Any]) -> str:
    return ": ".join(str(error[key]) for key in ("code", "error", "message") if error.get(key))
