"""Reason codes of incoming items, and of webhook subscriptions."""

from django.utils.translation import gettext_noop as _

from hub.reason_codes.reason import (
    CHECK_STOPPED,
    CREDENTIAL_UNREADABLE,
    ENABLE_CONNECTION,
    RECONNECT_WITH_PERMISSION,
    RESTORE_TENANT,
    RESUME_CONNECTION,
    START_READ_AGAIN,
    SWITCH_ON,
    Reason,
)

# actions that resolve the causes of several gaps
CHECK_WEBHOOK_THERE = _("Check in the other system that the webhook exists and is enabled.")
LET_REGISTER = _("The hub registers it again. If it cannot, the page of the connection says why.")
ASK_OPERATOR = _("Ask the operator of the hub if it lasts.")

ITEM_REASONS = {  # of an incoming item
    # held
    "connection_paused": Reason(
        _("The connection is paused. The item is processed when it is resumed."),
        RESUME_CONNECTION,
    ),
    "connection_disabled": Reason(
        _("The connection is disabled. The item is processed when it is enabled."),
        ENABLE_CONNECTION,
    ),
    "disconnected": Reason(
        _("The account was disconnected before the item was processed."),
        _("Connect the account again if the item is still needed."),
    ),
    "disconnect_pending": Reason(
        _(
            "The account is disconnected, and the disconnect can still be undone. The item is "
            "processed then, and discarded otherwise."
        ),
        _("Undo the disconnect if the item is still needed."),
    ),
    "tenant_suspended": Reason(
        _("The tenant is suspended. The item is processed when the tenant is restored."),
        RESTORE_TENANT,
    ),
    "switched_off": Reason(
        _("It is switched off. The item is processed when it is switched on."),
        SWITCH_ON,
    ),
    "too_old": Reason(
        _("It was more than 24 hours old when its account was connected."),
        _("Replay it if it is still needed."),
    ),
    "former_account": Reason(
        _(
            "It arrived for the account that was connected before, and does not name its account. "
            "Without a replay it is discarded when its stored content is deleted."
        ),
        _("Replay it if it belongs to the account that is connected now."),
    ),
    "bouncing": Reason(
        _("Two systems changed the same pair of records several times within ten minutes."),
        _("Check the field mappings of both directions, then replay it if it is still needed."),
    ),
    "author_unknown": Reason(
        _("The person who caused it has no user here yet, and the connection waits for one."),
        _("Select the user of this person, or change the fallback of the connection."),
    ),
    # skipped
    "author_skipped": Reason(
        _(
            "The person who caused it has no user here, and the fallback of the connection says to "
            "skip such events."
        ),
        _("Select the user of this person, then replay it if it is still needed."),
    ),
    "disconnect_final": Reason(
        _("It arrived after the account was disconnected, and the disconnect was not undone."),
        _("Connect the account again, then replay it if it is still needed."),
    ),
    # unmatched
    "unknown_account": Reason(
        _("No tenant has connected this account. The item is deleted after 7 days."),
        _("Connect the account; the item is then processed."),
    ),
    # quarantined
    "other_account": Reason(
        _("It names another account than the connection has."),
        _("Check in the external system which account sends to this URL."),
    ),
    "cannot_be_read": Reason(
        _("The message is not in the documented form, or its content is not stored any more."),
        _("Look at the message. Replay it after the next release if it should be readable."),
    ),
    "cannot_be_published": Reason(
        _("The hub could not store the event of this item."), _("Replay it.")
    ),
    "message_failed": Reason(
        _("An internal error of the hub stopped its processing several times."),
        _("Replay it after the next release."),
    ),
    "held_too_long": Reason(
        _("It was held for longer than the content of webhooks is kept, which was deleted."),
        _("Bring the connection up to date in the external system."),
    ),
    # duplicate
    "read_before": Reason(_("The hub had read this change from the system before it arrived.")),
    "superseded": Reason(
        _("A later state of the same record was known before, so it was not published.")
    ),
    "same_state": Reason(
        _("An earlier message told the same state of the record, so it was not published again.")
    ),
    # echo
    "echo": Reason(_("It is the hub's own change, which came back, and was not published again.")),
    "canary": Reason(_("The hub made this change itself, to check that webhooks arrive.")),
}

GAP_REASONS = {  # why a gap is held, was cancelled, or was not read completely
    "needs_confirmation": Reason(
        _("The hub was out of service for so long that it may be a restored back-up."),
        _("Start the read if the hub was out of service, and cancel it otherwise."),
    ),
    "no_feed": Reason(
        _("The other system does not list what has changed."),
        _("Ask the sender to send again what it sent in this time."),
    ),
    "history_gone": Reason(
        _("The other system no longer lists all that happened so long ago."),
        _("Compare the records by a reconciliation, or look in the other system."),
    ),
    "changes_not_listed": Reason(
        _("The other system lists what was changed, and not what was deleted."),
        _("Compare the records by a reconciliation."),
    ),
    "other_account": Reason(
        _("The connection's credential belongs to another account."),
        _("Connect the right account again, then read the missed changes of this time."),
    ),
    "not_wanted": Reason(
        _("No route takes these events any more."),
        _("If they are needed again, enable a route, then read the missed changes of this time."),
    ),
    "account_replaced": Reason(
        _("Another account was connected in its place."),
        _("Changes of the former account are not read. Compare its records if they are needed."),
    ),
    "by_person": Reason(
        _("A person cancelled it."), _("Start the read if these changes are needed after all.")
    ),
    "disconnected": Reason(
        _("The account was disconnected before it was read."),
        _("Connect the account again, then read the missed changes of this time."),
    ),
    "feed_permission": Reason(
        _("The account has not granted the permission that reading missed events needs."),
        RECONNECT_WITH_PERMISSION,
    ),
    "too_many_calls": Reason(
        _("Reading all of this time needs more calls than the other system allows."),
        _("Look in the other system for what was missed."),
    ),
    "run_failed": Reason(
        _("The changes could not be read."), _("Look at the run, then start the read again.")
    ),
    "run_cancelled": Reason(_("A person cancelled the read."), START_READ_AGAIN),
}

GAP_CAUSES = {  # why a gap is open: while this lasts, changes may be missed
    "silence": Reason(
        _("For longer than is usual, nothing has been received."), CHECK_WEBHOOK_THERE
    ),
    "canary": Reason(
        _("A change that the hub made as a check was not reported by a webhook."),
        CHECK_WEBHOOK_THERE,
    ),
    "missed": Reason(
        _("The hub found a change that no webhook had reported."), CHECK_WEBHOOK_THERE
    ),
    "gone": Reason(_("The webhook was deleted in the other system."), LET_REGISTER),
    "edited": Reason(_("The webhook was changed in the other system."), LET_REGISTER),
    "disabled": Reason(_("The webhook was disabled in the other system."), LET_REGISTER),
    "ban": Reason(
        _("The other system sends nothing for a while, as webhooks failed before."), LET_REGISTER
    ),
    "expired": Reason(_("The webhook has expired in the other system."), LET_REGISTER),
    "outage": Reason(_("The hub was out of service."), ASK_OPERATOR),
    "refused": Reason(_("The hub could not accept the requests of the system."), ASK_OPERATOR),
    "quarantined": Reason(
        _("A received message could not be processed."),
        _("Look at the incoming items that are set aside."),
    ),
    "rate_limited": Reason(
        _("The other system sent no events for a while, as there were too many."), ASK_OPERATOR
    ),
    "by_hand": Reason(_("A person requested that this time is read.")),
}

SUBSCRIPTION_REASONS = {  # why a webhook subscription could not be checked or repaired
    "permission_missing": Reason(
        _("The account has not granted the permission that registering webhooks needs."),
        RECONNECT_WITH_PERMISSION,
    ),
    "credential_unreadable": CREDENTIAL_UNREADABLE,
    "internal_error": CHECK_STOPPED,
    "refused": Reason(
        _("The other system refused to register the webhook."),
        _("Read its own text, fix the cause there, then repair it."),
    ),
    "unreachable": Reason(
        _("The other system could not be reached. The hub checks again automatically.")
    ),
    "throttled": Reason(_("A quota is used up. The hub checks again as soon as the quota allows.")),
    "installation_moved": Reason(
        _(
            "The address of the hub has changed since the webhook was registered. The hub "
            "observes it and changes nothing."
        ),
        _("The operator of the hub must confirm the new address."),
    ),
    "no_registration": Reason(
        _("The other system sends no webhook for this event type."),
        _("Choose another event type in the route."),
    ),
    "not_supported": Reason(
        _("The other system does not let the hub register webhooks."),
        _("Register the URL there by hand."),
    ),
}
