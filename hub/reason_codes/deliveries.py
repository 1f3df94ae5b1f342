"""Reason codes of events, deliveries and connections."""

from django.utils.translation import gettext_noop as _

from hub.reason_codes.discrepancies import DISCREPANCY_REASONS
from hub.reason_codes.reason import (
    CHECK_STOPPED,
    CREDENTIAL_UNREADABLE,
    ENABLE_CONNECTION,
    RECONNECT_WITH_PERMISSION,
    RESTORE_TENANT,
    RESUME_CONNECTION,
    SWITCH_ON,
    Reason,
)
from hub.reason_codes.reports import REPORT_REASONS
from hub.reason_codes.scheduled import SCHEDULED_REASONS

REASONS = {
    # of an event
    "no_route": Reason(
        _("No route matches this event type."), _("Add a route for this event type.")
    ),
    # held or skipped before it was sent
    "identity_skipped": Reason(
        _(
            "No matching record in the other system has been selected, and the fallback of the "
            "connection says to skip it."
        )
    ),
    "filtered": Reason(_("The route's filter excluded this event.")),
    "filter_failed": Reason(
        _("The route's filter could not be evaluated for this event."),
        _("Fix the route's filter."),
    ),
    "not_connected": Reason(_("The system has not been connected yet."), _("Connect the system.")),
    "mapping_failed": Reason(
        _("The field mapping could not be evaluated for this event."), _("Fix the field mapping.")
    ),
    "payload_refused": Reason(
        _("The result of the mapping is not valid for this action."), _("Fix the field mapping.")
    ),
    "identity_missing": Reason(
        _("The matching record in the other system has not been selected."),
        _("Select the matching record."),
    ),
    "egress_refused": Reason(
        _("The hub is not allowed to call this address."),
        _("Change the address of the connection."),
    ),
    "permission_missing": Reason(
        _("The account has not granted a permission that this action needs."),
        RECONNECT_WITH_PERMISSION,
    ),
    "credential_unreadable": CREDENTIAL_UNREADABLE,
    "internal_error": CHECK_STOPPED,
    "defect": Reason(
        _("An internal error of the hub stopped it; its attempts show whether it was sent."),
        _("Retry it after the next release."),
    ),
    "skipped_by_person": Reason(_("A person skipped it.")),
    # held with the whole connection, connector, or tenant
    "paused": Reason(_("The connection is paused."), RESUME_CONNECTION),
    "disabled": Reason(_("The connection is disabled."), ENABLE_CONNECTION),
    "needs_reconnect": Reason(
        _("The authorization has expired or was revoked."), _("Reconnect the account.")
    ),
    "disconnected": Reason(
        _("A person disconnected it. Its history is kept."), _("Connect the same account again.")
    ),
    "refreshing": Reason(_("The access token has expired and is being refreshed.")),
    "tenant_suspended": Reason(_("The tenant is suspended."), RESTORE_TENANT),
    "switched_off": Reason(_("It is switched off."), SWITCH_ON),
    "route_off": Reason(_("The route is switched off."), _("Switch the route on again.")),
    "breaker_open": Reason(
        _("The other system fails too often. The hub probes it with one call from time to time.")
    ),
    "behind": Reason(
        _("The route keeps the order of deliveries, and an earlier one is not finished."),
        _("Check the earlier delivery."),
    ),
    "unknown_effect": Reason(
        _("It may have arrived, and the route does not send anything twice."),
        _("Check in the other system whether it arrived, then retry or cancel it."),
    ),
    # waiting
    "throttled": Reason(_("A quota is used up. It is sent as soon as the quota allows.")),
    "maintenance": Reason(_("The other system is under maintenance. It is retried later.")),
    "awaiting_confirmation": Reason(
        _("The other system accepted it but has not confirmed it yet.")
    ),
    "timed_out": Reason(_("The other system did not respond in time. It may have arrived.")),
    "connection_lost": Reason(
        _("The connection was closed before a response was received. It may have arrived.")
    ),
    "bad_answer": Reason(
        _("The other system sent a response that is not valid HTTP. It may have arrived.")
    ),
    "unreadable": Reason(_("The response could not be read. It may have arrived.")),
    "dns_failed": Reason(_("The host name of the other system could not be resolved.")),
    "connect_failed": Reason(_("The other system could not be reached.")),
    "tls_failed": Reason(_("The other system's certificate is not valid, so nothing was sent.")),
    "unavailable": Reason(_("The other system reports that it is unavailable.")),
    "crashed": Reason(_("The hub was stopped while sending it. It may have arrived.")),
    "same_record": Reason(_("An earlier message about the same record is sent first.")),
    "not_looked_at": Reason(
        _("Another delivery in the same batch was refused. This one is retried automatically.")
    ),
    "refused_together": Reason(
        _("The whole batch was refused. Each delivery is retried separately.")
    ),
    "not_acknowledged": Reason(_("The other system never acknowledged it. It may have arrived.")),
    # failed
    "several_records": Reason(
        _("The external ID matches several records."),
        _("Fix the records in the other system, then retry."),
    ),
    "exhausted": Reason(
        _("All attempts of the retry schedule failed."), _("Retry it once the other system works.")
    ),
    "expired": Reason(
        _("It was not delivered within the route's time limit."),
        _("Retry it if it is still needed."),
    ),
    "redirected": Reason(
        _("The endpoint answered with a redirect, which is not followed."), _("Change the address.")
    ),
    # of a connection
    "calls_failing": Reason(
        _("Calls to the other system fail. Waiting deliveries are retried automatically."),
        _("Test the connection. If the test fails, contact the operator of the other system."),
    ),
    "source_silent": Reason(
        _(
            "Its webhooks have been silent for improbably long. What was missed is read as soon as "
            "it is heard again."
        ),
        _("Check in the other system whether its webhook is still active."),
    ),
    "canary_late": Reason(
        _(
            "A change that the hub made there to check its webhooks was not reported back, twice "
            "in a row."
        ),
        _("Check in the other system whether its webhook is still active."),
    ),
    "change_missed": Reason(
        _(
            "The other system lists a change that its webhook has not reported. What was missed is "
            "read as soon as it is heard again."
        ),
        _("Check in the other system whether its webhook is still active."),
    ),
    "endpoint_refuses": Reason(
        _("The endpoint responds to every call with an error that only its operator can fix."),
        _("Fix the endpoint, then test the connection or retry the waiting deliveries."),
    ),
    "failing": Reason(
        _("It was disabled because all attempts failed."), _("Enable it once the endpoint works.")
    ),
    "gone": Reason(
        _("The endpoint responded with 410 Gone: it does not accept deliveries any more."),
        _("Enable it once the endpoint is available again."),
    ),
    "other_account": Reason(
        _("The response belongs to another account."), _("Reconnect the right account.")
    ),
    "uninstalled": Reason(
        _("The app was removed in the other system."), _("Reconnect the account.")
    ),
    "tokens_revoked": Reason(
        _("The authorization was revoked in the other system."), _("Reconnect the account.")
    ),
    "no_access_token": Reason(
        _("The response contains no access token."), _("Reconnect the account.")
    ),
    "unauthorized": Reason(
        _("The other system rejects the credential."), _("Reconnect the account.")
    ),
    "refused_after_refresh": Reason(
        _("Even a new access token is rejected."), _("Reconnect the account.")
    ),
    "refused_again": Reason(
        _(
            "The other system also rejected new access tokens. The hub requests another "
            "one at increasing intervals."
        ),
        _(
            "If this persists, ask an administrator of the other system whether the "
            "account is allowed to use its API."
        ),
    ),
    "login_restricted": Reason(
        _(
            "The user who connected it is not allowed to sign in at this time or from the "
            "hub's address. The hub retries automatically."
        ),
        _("Ask an administrator of the other system to allow the hub's address and these hours."),
    ),
    "account_not_open": Reason(
        _(
            "The account at the other system is not active: its trial has ended or a "
            "payment is missing."
        ),
        _("Pay for or reactivate the account. Waiting deliveries are then sent automatically."),
    ),
    "api_disabled_for_org": Reason(
        _(
            "The organisation has no API access: its edition does not include it, or it "
            "was turned off."
        ),
        _(
            "Ask an administrator there to turn on API access. Waiting deliveries are then "
            "sent automatically."
        ),
    ),
    "inactive_organization": Reason(
        _("The organisation is not active."),
        _(
            "Ask an administrator there to activate it. Waiting deliveries are then sent "
            "automatically."
        ),
    ),
    "org_locked": Reason(
        _("The organisation is locked."),
        _(
            "Ask an administrator there to unlock it. Waiting deliveries are then sent "
            "automatically."
        ),
    ),
    "invalid_grant": Reason(
        _("The other system reports that the authorization has expired or was revoked."),
        _("Reconnect the account."),
    ),
    "refresh_lost": Reason(
        _("The response with the new access token was lost, and the old token is no longer valid."),
        _("Reconnect the account."),
    ),
    "no_refresh_token": Reason(
        _("The access token has expired, and there is no refresh token."),
        _("Reconnect the account."),
    ),
    "refresh_failing": Reason(
        _(
            "The access token expires soon and could not be renewed yet. The hub retries "
            "automatically."
        )
    ),
    "further_token_ended": Reason(
        _("One of its tokens has expired. Deliveries do not use this token."),
        _("Reconnect the account."),
    ),
    **DISCREPANCY_REASONS,
    **SCHEDULED_REASONS,
    **REPORT_REASONS,
}


def find_reason(code: str, *, system: str) -> Reason:
    """Return the reason of a code; for a code of the other system, a sentence that quotes it."""
    if code in REASONS:
        return REASONS[code]
    names = {"system": system, "word": code.replace("_", " ")}
    return Reason(_("%(system)s rejected it: %(word)s."), _("Fix the cause, then retry."), names)


def endpoint_rejection(code: str) -> Reason | None:
    """Return the reason for a 4xx of the customer's own endpoint; None for any other code."""
    status = code.removeprefix("status_")
    if status == code or not status.startswith("4"):
        return None
    return Reason(
        _("The endpoint responded with status %(status)s, which only its operator can fix."),
        _("Fix the endpoint, then retry now."),
        {"status": status},
    )
