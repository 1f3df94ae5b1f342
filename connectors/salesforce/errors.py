"""The error codes of Salesforce, and their outcomes."""

from collections.abc import Mapping
from typing import Any

from connectors.http import Response, Scope, Unreadable, parse_retry_after
from connectors.outcomes import (
    Outcome,
    OutcomeBuilder,
    account_closed,
    later,
    never,
    outcome_of_status,
    permission_missing,
    reconnect,
    record_later,
    refresh,
    throttled,
    unknown,
)

ORG = Scope("account")
TOKEN = Scope("app", "token")
# of the organisation: a reconnect does not help
CLOSED_CODES = {"API_DISABLED_FOR_ORG", "INACTIVE_ORGANIZATION", "ORG_LOCKED"}
# details of invalid_grant when the user may not sign in now or from our address; the authorization
# is still valid:
# https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_refresh_token_flow.htm
# (2026-11)
LOGIN_RESTRICTIONS = ("ip restricted", "invalid login hours")
# detail of INVALID_SESSION_ID when the token lacks the scope `api`
NOT_FOR_REST = "not valid for use with the rest api"
DAILY_BUDGET_WAIT_SECONDS = 3600.0  # seconds; the daily budget is spent
CONCURRENCY_WAIT_SECONDS = 30.0  # seconds; too many calls at the same time

# of a whole request and of one record; what is not here is `never`
OUTCOMES_BY_CODE: Mapping[str, OutcomeBuilder] = {
    "INVALID_SESSION_ID": refresh,
    # only a person can fix these
    "CLIENT_NOT_ACCESSIBLE_FOR_USER": reconnect,
    "PASSWORD_LOCKOUT": reconnect,
    # not now, and without effect
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": record_later,
    "API_CURRENTLY_DISABLED": later,
    "PROCESSING_HALTED": record_later,
    "SERVER_UNAVAILABLE": later,
    "STORAGE_LIMIT_EXCEEDED": later,
    "UNABLE_TO_LOCK_ROW": record_later,
    # it may have been done
    "REQUEST_RUNNING_TOO_LONG": unknown,
    "UNKNOWN_EXCEPTION": unknown,
    # of this record
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": never,
    "CANNOT_UPDATE_CONVERTED_LEAD": never,
    "DELETE_FAILED": never,
    "DUPLICATES_DETECTED": never,
    "DUPLICATE_EXTERNAL_ID": never,
    "DUPLICATE_VALUE": never,
    "ENTITY_IS_DELETED": never,
    "ENTITY_IS_LOCKED": never,
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": never,
    "FIELD_FILTER_VALIDATION_EXCEPTION": never,
    "FIELD_INTEGRITY_EXCEPTION": never,
    "INSUFFICIENT_ACCESS": never,
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": never,
    "INSUFFICIENT_ACCESS_OR_READONLY": never,
    "INVALID_CROSS_REFERENCE_KEY": never,
    "INVALID_EMAIL_ADDRESS": never,
    "INVALID_FIELD": never,
    "INVALID_FIELD_FOR_INSERT_UPDATE": never,
    "INVALID_ID_FIELD": never,
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": never,
    "INVALID_TYPE": never,
    "INVALID_TYPE_ON_FIELD_IN_RECORD": never,
    "JSON_PARSER_ERROR": never,
    "MALFORMED_ID": never,
    "MALFORMED_QUERY": never,
    "MISSING_ARGUMENT": never,
    "NOT_FOUND": never,
    "NUMBER_OUTSIDE_VALID_RANGE": never,
    "REQUIRED_FIELD_MISSING": never,
    "STRING_TOO_LONG": never,
}

# of the token endpoint; errors of our registration are retried until staff fix them
TOKEN_OUTCOMES_BY_CODE: Mapping[str, OutcomeBuilder] = {
    "invalid_grant": reconnect,
    "inactive_user": reconnect,
    "inactive_org": reconnect,
    "invalid_client": later,
    "invalid_client_id": later,
    "invalid_request": later,
    "unsupported_grant_type": later,
    "rate_limit_exceeded": later,
    "server_error": later,
    "temporarily_unavailable": later,
}


def outcome_of_code(code: str, message: str, otherwise: OutcomeBuilder = never) -> Outcome:
    """Return the Outcome of an error code, of one record or of a whole request.

    `otherwise` builds it for a code that is not in OUTCOMES_BY_CODE.
    """
    if code == "REQUEST_LIMIT_EXCEEDED":
        wait = (
            CONCURRENCY_WAIT_SECONDS
            if message.startswith("ConcurrentRequests")
            else DAILY_BUDGET_WAIT_SECONDS
        )
        return throttled(message, after=wait, pauses=(ORG,))
    if code == "INVALID_SESSION_ID" and NOT_FOR_REST in message.lower():
        return permission_missing(code.lower(), message)
    if code in CLOSED_CODES:
        return account_closed(code.lower(), message, pauses=(ORG,))
    return OUTCOMES_BY_CODE.get(code, otherwise)(code.lower(), message)


def find_rejection(response: Response) -> Outcome | None:
    """Return the Outcome of the first error of a refused request; None for 2xx."""
    rejection, status = outcome_of_status(response, pauses=(ORG,)), response.status
    if rejection is None or rejection.kind == "later":
        return rejection
    if status == 300:
        return never(
            "several_records", "the external ID matches several records; nothing was written"
        )
    code, message = _parse_first_error(response) or (f"status_{status}", rejection.detail)
    return outcome_of_code(
        code, message, refresh if status == 401 else unknown if status >= 500 else never
    )


def _parse_first_error(response: Response) -> tuple[str, str] | None:
    """Return code and message of `[{"errorCode", "message"}]`; None for any other body."""
    try:
        first: Any = response.json()[0]
        return str(first["errorCode"]), str(first.get("message", ""))
    except (Unreadable, LookupError, TypeError, AttributeError):
        return None


def find_token_rejection(response: Response) -> Outcome | None:
    """Return the Outcome of an error response of the token endpoint; None for 2xx.

    Its body is `{"error", "error_description"}`.
    """
    if response.status < 300:
        return None
    wait = parse_retry_after(response)
    if response.status == 429:
        return throttled(response.text(), after=wait, pauses=(TOKEN,))
    if response.status == 503:
        return later("unavailable", response.text(), after=wait)
    try:
        answer: Any = response.json()
        error, detail = str(answer["error"]), str(answer.get("error_description", ""))
    except (Unreadable, LookupError, TypeError, AttributeError):
        return unknown(f"status_{response.status}", response.text(), after=wait)
    if error == "invalid_grant" and any(words in detail.lower() for words in LOGIN_RESTRICTIONS):
        return later("login_restricted", detail)
    return TOKEN_OUTCOMES_BY_CODE.get(error, later)(error, detail)
