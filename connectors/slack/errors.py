"""The error codes of Slack, and their outcomes; Slack reports most errors in a 200."""

from collections.abc import Mapping
from dataclasses import replace

from connectors.http import Response, Scope, Unreadable, parse_retry_after
from connectors.outcomes import (
    Outcome,
    OutcomeBuilder,
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


def build_workspace_limit_outcome(reason: str, detail: str) -> Outcome:
    """Build the outcome of the workspace's own limit, whose end Slack does not report."""
    return replace(later(reason, detail), concerns="quota")


# what is not here is `never`
ERRORS_BY_CODE: Mapping[str, OutcomeBuilder] = {
    "token_expired": refresh,
    # only a person can fix these
    "account_inactive": reconnect,
    "ekm_access_denied": reconnect,
    "invalid_auth": reconnect,  # also for a disallowed IP address; auth.test distinguishes
    "invalid_refresh_token": reconnect,
    "not_allowed_token_type": reconnect,
    "not_authed": reconnect,
    "team_access_not_granted": reconnect,
    "token_revoked": reconnect,
    "missing_scope": permission_missing,
    # not now
    "message_limit_exceeded": build_workspace_limit_outcome,
    "request_timeout": later,  # our POST arrived cut
    "service_unavailable": later,
    "team_added_to_org": later,
    # it may have been posted
    "fatal_error": unknown,
    "internal_error": unknown,
    # of our registration: retried until staff fix it
    "bad_client_secret": later,
    "invalid_client_id": later,
    # of this message
    "cannot_reply_to_message": never,
    "cant_update_message": never,
    "channel_not_found": never,
    "edit_window_closed": never,
    "invalid_arg_name": never,
    "invalid_arguments": never,
    "invalid_attachments": never,
    "invalid_blocks": never,
    "invalid_blocks_format": never,
    "invalid_charset": never,
    "invalid_form_data": never,
    "invalid_grant_type": never,
    "invalid_json": never,
    "invalid_metadata_format": never,
    "is_archived": never,
    "json_not_object": never,
    "markdown_text_conflict": never,
    "message_not_found": never,
    "messages_tab_disabled": never,
    "metadata_too_large": never,
    "missing_post_type": never,
    "msg_blocks_too_long": never,
    "msg_too_long": never,
    "no_text": never,
    "not_in_channel": never,
    "restricted_action": never,
    "restricted_action_non_threadable_channel": never,
    "restricted_action_read_only_channel": never,
    "restricted_action_thread_locked": never,
    "restricted_action_thread_only_channel": never,
    "too_many_attachments": never,
}

RATE_LIMIT_CODES = {"rate_limited", "ratelimited"}
# Of an image block whose file is not processed yet:
# https://github.com/slackapi/python-slack-sdk/issues/1658
FILE_NOT_READY, FILE_WAIT = "invalid slack file", 30.0  # seconds


def find_rejection(response: Response, scope: Scope) -> Outcome | None:
    """Return the Outcome of a refusal; None if `ok` is true. Raises Unreadable.

    A spent quota pauses this method in this workspace only.
    """
    if rejection := outcome_of_status(response, pauses=(scope,)):
        return rejection
    answer = response.json()
    if answer["ok"] is True:
        return None
    if answer["ok"] is not False:
        raise Unreadable("ok is neither true nor false")
    error = answer["error"]
    if error in RATE_LIMIT_CODES:
        return throttled(error, after=parse_retry_after(response), pauses=(scope,))
    details = _format_error_details(answer)
    if error == "invalid_blocks" and FILE_NOT_READY in details:
        return record_later("file_not_ready", details, after=FILE_WAIT)
    return ERRORS_BY_CODE.get(error, never)(error, details)


def _format_error_details(answer: Mapping[str, object]) -> str:
    """Return the missing permission, and what Slack reports about the blocks."""
    metadata = answer.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, Mapping) else None
    parts = [str(message) for message in messages] if isinstance(messages, list) else []
    if needed := answer.get("needed"):
        parts.append(f"needed: {needed}")
    return "; ".join(parts)
