"""The product's words: each reason code with its sentence, and what a person does about it."""

from typing import NamedTuple


class Reason(NamedTuple):
    """Why a row does not move: a sentence for a person, and the action that moves it (empty: none is needed)."""

    sentence: str
    action: str = ""


REASONS = {
    # of an event
    "no_route": Reason("No route is meant for events of this type.", "Add a route for this event type."),
    # held or skipped before it was sent
    "filtered": Reason("The route's filter refused this event."),
    "filter_failed": Reason("The route's filter could not be worked out on this event.", "Mend the route's filter."),
    "not_connected": Reason("The tenant has not connected this system yet.", "Connect the system for this tenant."),
    "mapping_failed": Reason("The field mapping could not be worked out on this event.", "Mend the field mapping."),
    "payload_refused": Reason("What the mapping made cannot be sent by this action.", "Mend the field mapping."),
    "identity_missing": Reason("Nobody told which of their records is meant.", "Add the missing identity."),
    "egress_refused": Reason("The address may not be called.", "Change the address of the connection."),
    "credential_unreadable": Reason("The stored credential does not open.", "Enter the credential again."),
    "defect": Reason("A fault of the hub itself stopped it before it was sent.", "Retry it after the next release."),
    "skipped_by_person": Reason("A person skipped it."),
    # held with the whole connection, connector, or tenant
    "paused": Reason("The connection is paused.", "Resume the connection."),
    "disabled": Reason("The connection is disabled.", "Enable the connection."),
    "needs_reconnect": Reason("The authorization has ended.", "Reconnect the account."),
    "disconnected": Reason("A person disconnected it; its history stays.", "Connect the same account again."),
    "refreshing": Reason("The access token has ended and is being refreshed."),
    "tenant_suspended": Reason("The tenant is suspended.", "Restore the tenant."),
    "switched_off": Reason("It is switched off.", "Switch it on again."),
    "route_off": Reason("The route is switched off.", "Switch the route on again."),
    "breaker_open": Reason("The other system fails too often; one call tries it from time to time."),
    "behind": Reason("The route keeps an order, and one before it has not ended.", "Look at the one before it."),
    "unknown_effect": Reason(
        "It may have arrived, and the route sends nothing twice.",
        "See whether it arrived, then retry or cancel it.",
    ),
    # waiting
    "throttled": Reason("A quota is spent; it goes as soon as the quota allows."),
    "maintenance": Reason("The other system is under maintenance; it goes again later."),
    "awaiting_confirmation": Reason("The other system took it and has not confirmed it yet."),
    "timed_out": Reason("The other system did not answer in time; it may have arrived."),
    "connection_lost": Reason("The line was cut before an answer came; it may have arrived."),
    "bad_answer": Reason("The other system answered with something that is not HTTP; it may have arrived."),
    "unreadable": Reason("The answer could not be read; it may have arrived."),
    "dns_failed": Reason("The name of the other system could not be resolved."),
    "connect_failed": Reason("The other system could not be reached."),
    "tls_failed": Reason("The other system's certificate is not valid, so nothing was sent."),
    "unavailable": Reason("The other system says that it is unavailable."),
    "crashed": Reason("The hub was stopped while it was being sent; it may have arrived."),
    "same_record": Reason("Another message about the same record goes first."),
    "not_looked_at": Reason("A neighbour in the same batch was refused; this one goes again by itself."),
    "refused_together": Reason("The batch was refused as a whole; each goes again alone."),
    "not_acknowledged": Reason("The other system never acknowledged it; it may have arrived."),
    # dead
    "several_records": Reason("The external id names several records.", "Mend the records there, then retry."),
    "exhausted": Reason("Every try of the retry schedule failed.", "Retry it once the other system works."),
    "expired": Reason("It was not delivered in the time that the route gives it.", "Retry it if it still matters."),
    "redirected": Reason("The endpoint answered with a redirect, which is not followed.", "Change the address."),
    # of a connection
    "failing": Reason("Every attempt has failed for days.", "Enable it once the endpoint works."),
    "gone": Reason("The endpoint answered 410 Gone: it wants no more.", "Enable it once the endpoint is back."),
    "other_account": Reason("The answer is of another account.", "Reconnect the right account."),
    "no_access_token": Reason("The answer holds no access token.", "Reconnect the account."),
    "unauthorized": Reason("The other system refuses the credential.", "Reconnect the account."),
    "refused_after_refresh": Reason("Even a fresh access token is refused.", "Reconnect the account."),
    "invalid_grant": Reason("The other system says that the authorization has ended.", "Reconnect the account."),
    "refresh_lost": Reason(
        "The answer with the new access token was lost on its way to us, and the old one no longer opens.",
        "Reconnect the account.",
    ),
    "no_refresh_token": Reason(
        "The access token has ended, and there is nothing to get another one with.", "Reconnect the account."
    ),
    "refresh_failing": Reason("The access token is about to end, and another could not be had yet; it is tried again."),
    # of a mail
    "mail_server_away": Reason(
        "The mail server could not be reached, or takes no mail from us; it is tried again.",
        "See whether HUB_EMAIL_URL and HUB_EMAIL_FROM are right and the server stands.",
    ),
    "mail_put_off": Reason("The mail server put it off; it is tried again."),
    "mail_refused": Reason(
        "The mail server refuses this mail: most often there is no such address.",
        "Mend the address where it was asked for, or send it again.",
    ),
    "mail_expired": Reason(
        "No server took it as long as it was worth something.", "Whoever needs it asks for it again."
    ),
    "mail_unreadable": Reason("What it says does not open any more.", "Whoever needs it asks for it again."),
    "further_token_ended": Reason("One of its tokens has ended; deliveries do not use it.", "Reconnect the account."),
}

CONNECTION_STATES = {
    "healthy": "It works.",
    "degraded": "It is used, but not all is well.",
    "needs_reconnect": "The other system no longer lets us in. What is sent meanwhile waits.",
    "paused": "A person paused it. What is sent meanwhile waits.",
    "silent": "Nothing has come from it for longer than usual.",
    "disabled": "It is switched off. What is sent meanwhile is held.",
}

FORECASTS = {  # why a connection that works will stop
    "unsure": Reason(
        "The answer to a refresh may have been lost; the next refresh tells whether the authorization still lives.",
        "If it does not, somebody at the customer must authorize again.",
    ),
    "refresh_failing": Reason("Another access token could not be had the last time.", "See what the life line says."),
    "unused": Reason(
        "Its refresh token ends when nobody uses it for so long.", "Resume the connection, or ask for another test."
    ),
    "no_refresh": Reason("Its access token ends, and there is nothing to get another one with.", "Authorize it again."),
    "only_fails": Reason("Every attempt has failed for days; it will be disabled.", "Ask the customer to mend it."),
}

CREDENTIAL_EVENTS = {
    "issued": "The account was authorized.",
    "refreshed": "A new access token came before the old one ended.",
    "refresh_failed": "A new access token could not be had; it is tried again.",
    "unsure": "A refresh was begun and its end is not known: its answer may have been lost.",
    "ended": "The authorization ended.",
    "reconnected": "The account was authorized again.",
    "replaced": "Another account took its place.",
    "revoked": "The authorization was given back.",
}


class NoticeKind(NamedTuple):
    """A kind of notice: its name, what the person may do, and whether it goes by mail where nobody chose."""

    label: str
    todo: str
    mailed: bool


NOTICES = {
    "needs_reconnect": NoticeKind("A connection must be authorized again", "Authorize it again", True),
    "works_again": NoticeKind("A connection works again", "See the connection", True),
    "failing": NoticeKind("A connection only fails, and will be disabled", "See what fails", True),
    "disabled": NoticeKind("A connection was disabled", "Enable it again", True),
    "not_revoked": NoticeKind("An authorization could not be given back", "See the connection", True),
    "degraded": NoticeKind("A connection works, but not all is well", "See the connection", False),
}

STATES = {
    "waiting": "It waits for its turn.",
    "sending": "It is being sent.",
    "delivered": "It was delivered.",
    "held": "It is held.",
    "skipped": "It was skipped.",
    "dead": "It is given up.",
    "cancelled": "A person cancelled it.",
}


TONES = {  # state: (tone, icon); the colours of the tones stand in the style sheets
    "healthy": ("good", "check_circle"),
    "delivered": ("good", "check_circle"),
    "sent": ("good", "check_circle"),
    "active": ("good", "check_circle"),
    "degraded": ("warn", "warning"),
    "silent": ("warn", "volume_off"),
    "held": ("warn", "pan_tool"),
    "suspended": ("bad", "block"),
    "needs_reconnect": ("bad", "link_off"),
    "dead": ("bad", "cancel"),
    "revoked": ("bad", "block"),
    "expired": ("bad", "schedule"),
    "waiting": ("info", "schedule"),
    "sending": ("info", "send"),
    "paused": ("idle", "pause_circle"),
    "disabled": ("idle", "do_not_disturb_on"),
    "skipped": ("idle", "redo"),
    "cancelled": ("idle", "close"),
    "planned": ("info", "checklist"),
    "running": ("info", "play_circle"),
    "finished": ("good", "check_circle"),
    "failed": ("bad", "error"),
}


def state_word(state: str) -> str:
    return state.replace("_", " ")


def reason_of(code: str, *, system: str) -> Reason:
    """A code of ours, or the other system's own word, told as such."""
    return REASONS.get(code) or Reason(f"{system} refuses it: {code.replace('_', ' ')}.", "Mend the cause, then retry.")
