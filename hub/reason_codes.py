"""Reason codes, each with its sentence and the action that resolves it.

Sentences are marked for translation here and translated when they are shown.
"""

from collections.abc import Mapping
from typing import NamedTuple

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _


class Reason(NamedTuple):
    """The sentence of a reason code, and the action that resolves the cause (empty: none is
    needed).
    """

    marked: str
    marked_action: str = ""
    names: Mapping[str, str] = {}  # values that are known only when the reason occurs

    @property
    def sentence(self) -> str:
        return translate_text(self.marked, self.names)

    @property
    def action(self) -> str:
        return translate_text(self.marked_action, self.names)


def translate_text(text: str, names: Mapping[str, str] = {}) -> str:
    translated = gettext(text) if text else ""
    return translated % names if names else translated


REASONS = {
    # of an event
    "no_route": Reason(
        _("No route is meant for events of this type."), _("Add a route for this event type.")
    ),
    # held or skipped before it was sent
    "filtered": Reason(_("The route's filter refused this event.")),
    "filter_failed": Reason(
        _("The route's filter could not be worked out on this event."),
        _("Mend the route's filter."),
    ),
    "not_connected": Reason(
        _("The tenant has not connected this system yet."), _("Connect the system for this tenant.")
    ),
    "mapping_failed": Reason(
        _("The field mapping could not be worked out on this event."), _("Mend the field mapping.")
    ),
    "payload_refused": Reason(
        _("What the mapping made cannot be sent by this action."), _("Mend the field mapping.")
    ),
    "identity_missing": Reason(
        _("Nobody told which of their records is meant."), _("Add the missing identity.")
    ),
    "egress_refused": Reason(
        _("The address may not be called."), _("Change the address of the connection.")
    ),
    "permission_missing": Reason(
        _("The account has not granted a permission that this action needs."),
        _("Reconnect the account and allow that permission."),
    ),
    "credential_unreadable": Reason(
        _("The stored credential does not open."), _("Enter the credential again.")
    ),
    "defect": Reason(
        _("A fault of the hub itself stopped it before it was sent."),
        _("Retry it after the next release."),
    ),
    "skipped_by_person": Reason(_("A person skipped it.")),
    # held with the whole connection, connector, or tenant
    "paused": Reason(_("The connection is paused."), _("Resume the connection.")),
    "disabled": Reason(_("The connection is disabled."), _("Enable the connection.")),
    "needs_reconnect": Reason(_("The authorization has ended."), _("Reconnect the account.")),
    "disconnected": Reason(
        _("A person disconnected it; its history stays."), _("Connect the same account again.")
    ),
    "refreshing": Reason(_("The access token has ended and is being refreshed.")),
    "tenant_suspended": Reason(_("The tenant is suspended."), _("Restore the tenant.")),
    "switched_off": Reason(_("It is switched off."), _("Switch it on again.")),
    "route_off": Reason(_("The route is switched off."), _("Switch the route on again.")),
    "breaker_open": Reason(
        _("The other system fails too often; one call tries it from time to time.")
    ),
    "behind": Reason(
        _("The route keeps an order, and one before it has not ended."),
        _("Look at the one before it."),
    ),
    "unknown_effect": Reason(
        _("It may have arrived, and the route sends nothing twice."),
        _("See whether it arrived, then retry or cancel it."),
    ),
    # waiting
    "throttled": Reason(_("A quota is spent; it goes as soon as the quota allows.")),
    "maintenance": Reason(_("The other system is under maintenance; it goes again later.")),
    "awaiting_confirmation": Reason(_("The other system took it and has not confirmed it yet.")),
    "timed_out": Reason(_("The other system did not answer in time; it may have arrived.")),
    "connection_lost": Reason(_("The line was cut before an answer came; it may have arrived.")),
    "bad_answer": Reason(
        _("The other system answered with something that is not HTTP; it may have arrived.")
    ),
    "unreadable": Reason(_("The answer could not be read; it may have arrived.")),
    "dns_failed": Reason(_("The name of the other system could not be resolved.")),
    "connect_failed": Reason(_("The other system could not be reached.")),
    "tls_failed": Reason(_("The other system's certificate is not valid, so nothing was sent.")),
    "unavailable": Reason(_("The other system says that it is unavailable.")),
    "crashed": Reason(_("The hub was stopped while it was being sent; it may have arrived.")),
    "same_record": Reason(_("Another message about the same record goes first.")),
    "not_looked_at": Reason(
        _("A neighbour in the same batch was refused; this one goes again by itself.")
    ),
    "refused_together": Reason(_("The batch was refused as a whole; each goes again alone.")),
    "not_acknowledged": Reason(_("The other system never acknowledged it; it may have arrived.")),
    # failed
    "several_records": Reason(
        _("The external id names several records."), _("Mend the records there, then retry.")
    ),
    "exhausted": Reason(
        _("Every try of the retry schedule failed."), _("Retry it once the other system works.")
    ),
    "expired": Reason(
        _("It was not delivered in the time that the route gives it."),
        _("Retry it if it still matters."),
    ),
    "redirected": Reason(
        _("The endpoint answered with a redirect, which is not followed."), _("Change the address.")
    ),
    # of a connection
    "calls_failing": Reason(
        _("Calls to the other system fail; what waits is tried again by itself."),
        _("Test the connection; if the test fails too, ask whoever runs the other system."),
    ),
    "endpoint_refuses": Reason(
        _("The endpoint answers every call with an error that only its operator can fix."),
        _("Fix the endpoint, then test the connection or try what waits now."),
    ),
    "failing": Reason(
        _("Every attempt failed until it was disabled."), _("Enable it once the endpoint works.")
    ),
    "gone": Reason(
        _("The endpoint answered 410 Gone: it wants no more."),
        _("Enable it once the endpoint is back."),
    ),
    "other_account": Reason(
        _("The answer is of another account."), _("Reconnect the right account.")
    ),
    "no_access_token": Reason(_("The answer holds no access token."), _("Reconnect the account.")),
    "unauthorized": Reason(
        _("The other system refuses the credential."), _("Reconnect the account.")
    ),
    "refused_after_refresh": Reason(
        _("Even a fresh access token is refused."), _("Reconnect the account.")
    ),
    "refused_again": Reason(
        _(
            "The other system refused new access tokens as well; another one is asked for at "
            "growing intervals."
        ),
        _(
            "If this lasts, ask an administrator of the other system whether the account may use "
            "its API."
        ),
    ),
    "login_restricted": Reason(
        _(
            "The user who connected it may not sign in at this hour, or from the hub's address; "
            "it is tried again."
        ),
        _("Ask an administrator of the other system to allow the hub's address and these hours."),
    ),
    "account_not_open": Reason(
        _(
            "The account at the other system is not open: its trial has ended, or a payment is "
            "missing."
        ),
        _("Pay for the account there, or open it again; what waits goes by itself then."),
    ),
    "api_disabled_for_org": Reason(
        _(
            "The organisation has no access to the API: its edition has none, or it was switched "
            "off."
        ),
        _("Ask an administrator there to switch on API access; what waits goes by itself then."),
    ),
    "inactive_organization": Reason(
        _("The organisation is not active."),
        _("Ask an administrator there to activate it; what waits goes by itself then."),
    ),
    "org_locked": Reason(
        _("The organisation is locked."),
        _("Ask an administrator there to unlock it; what waits goes by itself then."),
    ),
    "invalid_grant": Reason(
        _("The other system says that the authorization has ended."), _("Reconnect the account.")
    ),
    "refresh_lost": Reason(
        _(
            "The answer with the new access token was lost on its way to us, and the old one no "
            "longer opens."
        ),
        _("Reconnect the account."),
    ),
    "no_refresh_token": Reason(
        _("The access token has ended, and there is nothing to get another one with."),
        _("Reconnect the account."),
    ),
    "refresh_failing": Reason(
        _("The access token is about to end, and another could not be had yet; it is tried again.")
    ),
    "further_token_ended": Reason(
        _("One of its tokens has ended; deliveries do not use it."), _("Reconnect the account.")
    ),
}

MAIL_REASONS = {  # of a mail that was not sent
    "mail_server_away": Reason(
        _("The mail server could not be reached, or takes no mail from us; it is tried again."),
        _("See whether HUB_EMAIL_URL and HUB_EMAIL_FROM are right and the server stands."),
    ),
    "mail_put_off": Reason(_("The mail server put it off; it is tried again.")),
    "mail_refused": Reason(
        _("The mail server refuses this mail: most often there is no such address."),
        _("Mend the address where it was asked for, or send it again."),
    ),
    "mail_expired": Reason(
        _("No server took it as long as it was worth something."),
        _("Whoever needs it asks for it again."),
    ),
    "mail_unreadable": Reason(
        _("What it says does not open any more."), _("Whoever needs it asks for it again.")
    ),
}


EXPIRY_REASONS = {  # of a working connection that will stop
    "unsure": Reason(
        _(
            "The answer to a refresh may have been lost; the next refresh tells whether the "
            "authorization still lives."
        ),
        _("If it does not, somebody at the customer must authorize again."),
    ),
    "refresh_failing": Reason(
        _("Another access token could not be had the last time."), _("See what the life line says.")
    ),
    "unused": Reason(
        _("Its refresh token ends when nobody uses it for so long."),
        _("Resume the connection, or ask for another test."),
    ),
    "no_refresh": Reason(
        _("Its access token ends, and there is nothing to get another one with."),
        _("Authorize it again."),
    ),
    "only_fails": Reason(
        _("Every attempt has failed since %(since)s; it will be disabled."),
        _("Ask the customer to look at the system."),
    ),
}


def find_reason(code: str, *, system: str) -> Reason:
    """Return the reason of a code; a code of the other system becomes a sentence that quotes it."""
    if code in REASONS:
        return REASONS[code]
    names = {"system": system, "word": code.replace("_", " ")}
    return Reason(_("%(system)s refuses it: %(word)s."), _("Mend the cause, then retry."), names)


def endpoint_rejection(code: str) -> Reason | None:
    """Return the reason of a 4xx of the customer's own endpoint; None for any other code."""
    status = code.removeprefix("status_")
    if status == code or not status.startswith("4"):
        return None
    return Reason(
        _("The endpoint answered %(status)s, which only its operator can change."),
        _("Fix the endpoint, then try it now."),
        {"status": status},
    )
