"""The states of connections, deliveries and credentials: sentence, label, tone and icon of each."""

from django.utils.translation import gettext_noop as _

from hub.reason_codes import GAP_REASONS, REASONS, Reason, translate_text

CONNECTION_STATES = {
    "healthy": Reason(_("It works.")),
    "degraded": Reason(_("It is in use, but has a problem.")),
    "needs_reconnect": Reason(
        _("The other system no longer accepts our authorization. New deliveries wait.")
    ),
    "paused": Reason(_("A person paused it. New deliveries wait.")),
    "silent": Reason(_("Nothing has been received from it for longer than usual.")),
    "disabled": Reason(_("It is disabled. New deliveries are held.")),
    "switched_off": Reason(
        _(
            "Our team has switched it off. New deliveries are held and sent when it is "
            "switched on again."
        )
    ),
    "disconnected": Reason(REASONS["disconnected"].marked_sentence),
}

# of a healthy connection that only receives: no test tells whether its system sends
READY_TO_RECEIVE = Reason(_("It is ready to receive. Its webhooks show what arrives."))

CREDENTIAL_EVENTS = {
    "issued": Reason(_("The account was authorized.")),
    "refreshed": Reason(_("The access token was renewed before it expired.")),
    "refresh_failed": Reason(
        _("The access token could not be renewed. The hub retries automatically.")
    ),
    "unsure": Reason(
        _("The result of a token refresh is unknown: its response may have been lost.")
    ),
    "ended": Reason(_("The authorization expired or was revoked.")),
    "reconnected": Reason(_("The account was authorized again.")),
    "replaced": Reason(GAP_REASONS["account_replaced"].marked_sentence),
    "revoked": Reason(
        _("A person disconnected it. The other system is being asked to revoke the authorization.")
    ),
    "withheld": Reason(
        _(
            "A person disconnected it. The authorization is revoked after 24 hours, unless the "
            "disconnect is undone."
        )
    ),
    "restored": Reason(_("The disconnect was undone.")),
    "uninstalled": Reason(
        _(
            "The app was removed at the other system. The hub is checking whether the "
            "authorization is still valid."
        )
    ),
    "given_back": Reason(_("The other system revoked the authorization.")),
    "not_given_back": Reason(
        _("The revocation of the authorization was not confirmed by the other system.")
    ),
}

DELIVERY_STATES = {
    "waiting": Reason(_("It is waiting to be sent.")),
    "sending": Reason(_("It is being sent.")),
    "delivered": Reason(_("It was delivered.")),
    "held": Reason(_("It is held.")),
    "skipped": Reason(_("It was skipped.")),
    "failed": Reason(_("It failed.")),
    "cancelled": Reason(GAP_REASONS["by_person"].marked_sentence),
}

ITEM_STATES = {  # of an item of an incoming webhook, and of a request that was rejected
    "received": Reason(_("It is being processed.")),
    "held": Reason(_("It waits, and is processed when the cause is fixed.")),
    "processed": Reason(_("It was published as an event.")),
    "duplicate": Reason(_("It was received before.")),
    "echo": Reason(_("The hub caused this change itself, so it is not published again.")),
    "unmatched": Reason(_("No connection belongs to the account that it names.")),
    "quarantined": Reason(_("It was set aside, as it could not be published.")),
    "skipped": Reason(_("It was skipped, and not published.")),
    "rejected": Reason(_("The request was rejected: it could not be verified.")),
}

SUBSCRIPTION_STATES = {
    "wanted": Reason(_("It has not been registered yet.")),
    "verified": Reason(_("It is registered as it should be.")),
    "unconfirmed": Reason(_("It was registered as it should be, and the last check failed.")),
    "drifted": Reason(_("The other system has it registered differently.")),
    "expired": Reason(_("The registration has expired.")),
    "gone": Reason(_("The other system has no such registration any more.")),
    "unsupported": Reason(_("The other system does not let the hub register it.")),
    "manual": Reason(_("A person registers it in the other system.")),
}

# of a manual one while no route takes its events
NOTHING_LISTENS = Reason(
    _("A person registers it. No route takes its events yet, so they are only recorded.")
)

SOURCE_STATES = {  # of the kinds of record whose changes a connection reports
    "listening": Reason(_("As far as is known, its webhooks arrive.")),
    "quiet": Reason(
        _("Nothing has been received for a while. The hub looks for proof that it would arrive.")
    ),
    "silent": Reason(_("Nothing has been received from it for longer than usual.")),
}

RUN_STATES = {  # of a run of a job
    "waiting": Reason(_("It has not started yet.")),
    "running": Reason(_("It is running.")),
    "blocked": Reason(_("A person must act before it can go on.")),
    "finished": Reason(_("It is finished.")),
    "failed": Reason(_("It failed, and is not tried again in this window.")),
    "skipped": Reason(_("This run was skipped.")),
    "cancelled": Reason(_("A person cancelled it. What it had done is kept.")),
}

STATE_TONES = {  # state: (tone, icon); the colours of the tones are in the style sheets
    "healthy": ("good", "check_circle"),
    "delivered": ("good", "check_circle"),
    "sent": ("good", "check_circle"),
    "active": ("good", "check_circle"),
    "degraded": ("warn", "warning"),
    "silent": ("warn", "volume_off"),
    "held": ("warn", "pan_tool"),
    "suspended": ("bad", "block"),
    "needs_reconnect": ("bad", "link_off"),
    "revoked": ("bad", "block"),
    "switched_off": ("bad", "block"),
    "expired": ("bad", "schedule"),
    "waiting": ("info", "schedule"),
    "sending": ("info", "send"),
    "paused": ("idle", "pause_circle"),
    "disabled": ("idle", "do_not_disturb_on"),
    "disconnected": ("idle", "link_off"),
    "skipped": ("idle", "redo"),
    "cancelled": ("idle", "close"),
    "planned": ("info", "checklist"),
    "running": ("info", "play_circle"),
    "finished": ("good", "check_circle"),
    "failed": ("bad", "error"),
    "blocked": ("warn", "pan_tool"),
    "late": ("warn", "schedule"),
    "enabled": ("good", "check_circle"),
    "excluded": ("idle", "do_not_disturb_on"),
    "received": ("info", "info"),
    "processed": ("good", "check_circle"),
    "duplicate": ("idle", "content_copy"),
    "echo": ("idle", "sync"),
    "unmatched": ("warn", "warning"),
    "quarantined": ("bad", "error"),
    "accepted": ("good", "check_circle"),
    "rejected": ("bad", "block"),
    "wanted": ("info", "schedule"),
    "verified": ("good", "check_circle"),
    "unconfirmed": ("warn", "warning"),
    "drifted": ("warn", "warning"),
    "gone": ("bad", "link_off"),
    "unsupported": ("bad", "block"),
    "manual": ("warn", "pan_tool"),
    "new": ("warn", "warning"),
    "open": ("warn", "schedule"),
    "repairing": ("info", "sync"),
    "resolved": ("good", "check_circle"),
    "ignored": ("idle", "do_not_disturb_on"),
    "listening": ("good", "check_circle"),
    "quiet": ("info", "info"),
    "due": ("info", "schedule"),
    "reading": ("info", "sync"),
    "closed": ("good", "check_circle"),
    "incomplete": ("bad", "error"),
    "off": ("idle", "do_not_disturb_on"),
    "idle": ("good", "check_circle"),
    "refused": ("bad", "block"),
}

STATE_LABELS = (  # the shown name of each state
    _("healthy"),
    _("delivered"),
    _("sent"),
    _("active"),
    _("degraded"),
    _("silent"),
    _("held"),
    _("suspended"),
    _("needs reconnect"),
    _("revoked"),
    _("expired"),
    _("waiting"),
    _("sending"),
    _("paused"),
    _("disabled"),
    _("skipped"),
    _("cancelled"),
    _("planned"),
    _("running"),
    _("finished"),
    _("failed"),
    _("switched off"),
    _("disconnected"),
    _("received"),
    _("processed"),
    _("duplicate"),
    _("echo"),
    _("unmatched"),
    _("quarantined"),
    _("accepted"),
    _("rejected"),
    _("wanted"),
    _("verified"),
    _("drifted"),
    _("gone"),
    _("unsupported"),
    _("manual"),
    _("blocked"),
    _("late"),
    _("enabled"),
    _("excluded"),
    _("new"),
    _("open"),
    _("repairing"),
    _("resolved"),
    _("ignored"),
    _("unconfirmed"),
    _("listening"),
    _("quiet"),
    _("due"),
    _("reading"),
    _("closed"),
    _("incomplete"),
    _("off"),
    _("idle"),
    _("refused"),
)


def state_label(state: str) -> str:
    return translate_text(state.replace("_", " "))
