"""The states of connections, deliveries and credentials: sentence, label, tone and icon of each."""

from django.utils.translation import gettext_noop as _

from hub.reason_codes import Reason, translate_text

CONNECTION_STATES = {
    "healthy": Reason(_("It works.")),
    "degraded": Reason(_("It is used, but not all is well.")),
    "needs_reconnect": Reason(
        _("The other system no longer lets us in. What is sent meanwhile waits.")
    ),
    "paused": Reason(_("A person paused it. What is sent meanwhile waits.")),
    "silent": Reason(_("Nothing has come from it for longer than usual.")),
    "disabled": Reason(_("It is switched off. What is sent meanwhile is held.")),
    "switched_off": Reason(
        _(
            "Our team has switched it off. What is sent meanwhile is held, and goes when it is on "
            "again."
        )
    ),
    "disconnected": Reason(_("A person disconnected it. Its history stays.")),
}

CREDENTIAL_EVENTS = {
    "issued": Reason(_("The account was authorized.")),
    "refreshed": Reason(_("A new access token came before the old one ended.")),
    "refresh_failed": Reason(_("A new access token could not be had; it is tried again.")),
    "unsure": Reason(
        _("A refresh was begun and its end is not known: its answer may have been lost.")
    ),
    "ended": Reason(_("The authorization ended.")),
    "reconnected": Reason(_("The account was authorized again.")),
    "replaced": Reason(_("Another account took its place.")),
    "revoked": Reason(
        _("A person disconnected it; the other system is asked to end the authorization.")
    ),
    "uninstalled": Reason(
        _("The app was removed at the other system; whether the authorization lives is asked.")
    ),
    "given_back": Reason(_("The other system ended the authorization.")),
    "not_given_back": Reason(
        _("The authorization was not revoked: the other system did not confirm that it ended.")
    ),
}

DELIVERY_STATES = {
    "waiting": Reason(_("It waits for its turn.")),
    "sending": Reason(_("It is being sent.")),
    "delivered": Reason(_("It was delivered.")),
    "held": Reason(_("It is held.")),
    "skipped": Reason(_("It was skipped.")),
    "failed": Reason(_("It is given up.")),
    "cancelled": Reason(_("A person cancelled it.")),
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
}

STATE_LABELS = (  # the shown name of each state
    _("healthy"), _("delivered"), _("sent"), _("active"), _("degraded"), _("silent"),
    _("held"), _("suspended"), _("needs reconnect"), _("revoked"), _("expired"), _("waiting"),
    _("sending"), _("paused"), _("disabled"), _("skipped"), _("cancelled"), _("planned"),
    _("running"), _("finished"), _("failed"), _("switched off"), _("disconnected"),
)  # fmt: skip


def state_label(state: str) -> str:
    return translate_text(state.replace("_", " "))
