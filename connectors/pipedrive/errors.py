"""Pipedrive's answers, and what they mean to us: of the API, of its token endpoint, and of Cloudflare before both."""

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
ADDRESS = Scope("address")  # Cloudflare blocks who calls, for all companies
TOKEN = Scope("app", "token")

DAILY_RECHECK = (
    3600.0  # seconds: nobody tells when the day ends, so one call looks from time to time
)
BLOCK_WAIT = 900.0  # nobody tells how long a block by Cloudflare lasts
HIGHEST_COST = 10  # tokens: where fewer are left, the day is as good as spent

STATUSES: Mapping[
    int, tuple[OutcomeBuilder, str]
] = {  # https://pipedrive.readme.io/docs/core-api-concepts-http-status-codes
    400: (never, "bad_request"),
    401: (refresh, "unauthorized_access"),
    402: (
        partial(account_closed, pauses=(COMPANY,)),
        "account_not_open",
    ),  # the trial has ended, or nobody pays
    403: (never, "forbidden"),  # a limit of the plan, or a field that it does not have
    404: (never, "not_found"),
    415: (never, "feature_not_enabled"),
    422: (never, "unprocessable"),
}
ERRORS: Mapping[str, tuple[OutcomeBuilder, str]] = {  # where `error` says more than the status
    "scope and url mismatch": (permission_missing, "missing_scope"),
}
OAUTH: Mapping[
    str, OutcomeBuilder
] = {  # of the token endpoint; the app's own faults are staff's to mend: tried again
    "invalid_grant": reconnect,
    "invalid_client": later,
    "invalid_request": later,
    "unsupported_grant_type": later,
}


def find_rejection(response: Response) -> Outcome | None:
    """What the API refuses; None for 2xx."""
    rejection = outcome_of_status(response)
    if rejection is None:
        return None
    if _is_blocked(response):
        return _blocked_outcome(response)
    if response.status == 429:
        return _quota_outcome(response)
    error = _parse_error(response)
    detail = error_text(error) or rejection.detail
    if table_entry := ERRORS.get(str(error.get("error")).lower()) or STATUSES.get(response.status):
        build_outcome, reason = table_entry
        return build_outcome(reason, detail)
    return replace(rejection, detail=detail)


def find_token_rejection(response: Response) -> Outcome | None:
    """What the token endpoint refuses, by `{"error", "message"}`; None where it grants."""
    if response.status < 300:
        return None
    if _is_blocked(response):
        return _blocked_outcome(response)
    wait = parse_retry_after(response)
    if response.status == 429:
        return throttled(response.text(), after=wait, pauses=(TOKEN,))
    if response.status == 503:
        return later("unavailable", response.text(), after=wait)
    error = _parse_error(response)
    if not isinstance(error.get("error"), str):
        return unknown(f"status_{response.status}", response.text(), after=wait)
    return OAUTH.get(error["error"], later)(error["error"], str(error.get("message", "")))


def _is_blocked(response: Response) -> bool:
    """Who calls on after a 429 meets Cloudflare: a page, or `error code: 1015`, where the API would say JSON."""
    text = response.text().lower()
    return (
        response.status in (403, 429)
        and not _parse_error(response)
        and ("<html" in text or "error code: 10" in text)
    )


def _blocked_outcome(response: Response) -> Outcome:
    after = parse_retry_after(response) or BLOCK_WAIT
    return throttled(
        "Cloudflare blocks our address: too many calls came after a 429",
        after=after,
        pauses=(ADDRESS,),
    )


def _quota_outcome(response: Response) -> Outcome:
    """A 429 says by its headers only which quota it is about: what is not of the two seconds is of the day."""
    detail, wait = error_text(_parse_error(response)), parse_retry_after(response) or 0.0
    day, burst = (
        _parse_number_header(response, "x-daily-ratelimit-token-remaining"),
        _parse_number_header(response, "x-ratelimit-remaining"),
    )
    if day == 0 or burst:  # a Retry-After of seconds comes all the same
        return throttled(
            detail or "the tokens of the day are spent",
            after=max(wait, DAILY_RECHECK),
            pauses=(COMPANY,),
        )
    if burst == 0:
        reset = _parse_number_header(response, "x-ratelimit-reset") or 1
        return throttled(
            detail or "too many calls in two seconds", after=max(wait, reset), pauses=(BURST,)
        )
    return throttled(detail, after=wait or None, pauses=(COMPANY, BURST))


def parse_budget_report(response: Response) -> Report | None:
    """What is left of the company's day; seen on answers, not documented, and absent at times (2026-01)."""
    limit = _parse_number_header(response, "x-daily-ratelimit-token-limit")
    remaining = _parse_number_header(response, "x-daily-ratelimit-token-remaining")
    if not limit or remaining is None or remaining > limit:
        return None
    return Report(
        COMPANY,
        used=limit - remaining,
        limit=limit,
        resets_in=DAILY_RECHECK if remaining < HIGHEST_COST else None,
    )


def _parse_number_header(response: Response, header: str) -> int | None:
    text = response.headers.get(header, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _parse_error(response: Response) -> Mapping[str, Any]:
    """Empty where it is no JSON object."""
    try:
        answer = response.json()
    except Unreadable:
        return {}
    return answer if isinstance(answer, Mapping) else {}


def error_text(error: Mapping[str, Any]) -> str:
    return ": ".join(str(error[key]) for key in ("code", "error", "message") if error.get(key))
