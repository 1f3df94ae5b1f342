"""Problems of callbacks that match no authorization, or one that has ended."""

from collections.abc import Mapping

from django.utils.translation import gettext_noop as _

from connectors.schema import Advice
from hub.connections.connecting.troubleshooting.problem import ConnectProblem

CALLBACK_PROBLEMS: Mapping[str, ConnectProblem] = {
    "state_missing": ConnectProblem(
        _("This address does not belong to an attempt that you started"),
        Advice(
            _(
                "The address was opened directly, or it was truncated on the way. Nothing "
                "was connected."
            ),
            "you",
        ),
    ),
    "begun_at_marketplace": ConnectProblem(
        _("Connect %(system)s from here"),
        Advice(
            _(
                "You installed the app at %(system)s. Nothing has been connected yet, "
                "because the connection must be started here: sign in to %(hub)s, choose "
                "%(system)s in the catalogue, and press Connect."
            ),
            "you",
        ),
    ),
    "state_unknown": ConnectProblem(
        _("This connection was not started here"),
        Advice(
            _("The attempt for this address is unknown. Nothing was connected."),
            "you",
        ),
    ),
    "reused": ConnectProblem(
        _("This attempt was already used"),
        Advice(
            _(
                "Each attempt to connect works only once, and this one was already "
                "completed. The page was probably reloaded."
            ),
            "you",
        ),
    ),
    "late": ConnectProblem(
        _("That took longer than ten minutes"),
        Advice(
            _(
                "For security, an attempt to connect expires after ten minutes. Nothing "
                "was connected."
            ),
            "you",
        ),
    ),
    "unfinished": ConnectProblem(
        _("You have not finished yet"),
        Advice(
            _("The window of %(system)s was closed or is still open. Nothing was connected."),
            "you",
        ),
    ),
    "interrupted": ConnectProblem(
        _("We were interrupted"),
        Advice(
            _(
                "The hub was interrupted after you returned from %(system)s, before it "
                "received the response."
            ),
            "you",
        ),
    ),
    "other_browser": ConnectProblem(
        _("This was started in another browser"),
        Advice(
            _(
                "An attempt to connect must be finished by the person who started it, in "
                "the same browser. If another person sent you the address of %(system)s, "
                "they may have tried to connect your account to their tenant: close the "
                "page and contact us."
            ),
            "you",
            _(
                "I received an address to connect %(system)s with %(hub)s from another "
                "person. I did not finish it. Did it come from you?"
            ),
        ),
    ),
    "other_user": ConnectProblem(
        _("Another person started this"),
        Advice(
            _(
                "The person who started this attempt in this browser is not the person who "
                "is signed in now."
            ),
            "you",
        ),
    ),
    "other_connector": ConnectProblem(
        _("The response came from another system"),
        Advice(
            _("The response does not belong to the system that you were sent to. It was ignored."),
            "us",
            _(
                "Connecting %(system)s with %(hub)s was refused: the response arrived at "
                "another system's address."
            ),
        ),
    ),
    "other_issuer": ConnectProblem(
        _("The response came from another sender"),
        Advice(
            _("The response names a sender other than %(system)s. It was ignored."),
            "us",
            _("Connecting %(system)s with %(hub)s was refused: `iss` names another issuer."),
        ),
    ),
    "link_ended": ConnectProblem(
        _("The link is no longer valid"),
        Advice(
            _(
                "It was revoked or used in the meantime, or it has expired. Ask its sender "
                "for a new one."
            ),
            "you",
        ),
    ),
    "moved": ConnectProblem(
        _("Our redirect URL has changed"),
        Advice(
            _("Our redirect URL has changed since you were sent to %(system)s."),
            "you",
        ),
    ),
}
