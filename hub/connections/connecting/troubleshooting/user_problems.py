"""Problems of the browser, the person who connects, and administrators who must approve."""

from collections.abc import Mapping

from django.utils.translation import gettext_noop as _

from connectors.schema import Advice
from hub.connections.connecting.troubleshooting.problem import ConnectProblem

USER_PROBLEMS: Mapping[str, ConnectProblem] = {
    # --- the callback does not match an authorization ---
    "state_missing": ConnectProblem(
        _("This is not the end of a connection that you began"),
        Advice(
            _(
                "The address was opened by itself, or something on the way cut it. Nothing was "
                "connected."
            ),
            "you",
        ),
    ),
    "begun_at_marketplace": ConnectProblem(
        _("Connect %(system)s from here"),
        Advice(
            _(
                "You installed the app at %(system)s. An account is connected only by an attempt "
                "that began here, so "
                "that it lands at the right place: sign in to %(hub)s, choose %(system)s among the "
                "systems, and press "
                "Connect. Nothing was connected yet."
            ),
            "you",
        ),
    ),
    "state_unknown": ConnectProblem(
        _("This connection was not begun here"),
        Advice(
            _("We do not know the attempt that this address belongs to. Nothing was connected."),
            "you",
        ),
    ),
    "reused": ConnectProblem(
        _("This attempt was used already"),
        Advice(
            _(
                "Each attempt to connect works once, and this one came back before: a page was "
                "loaded again."
            ),
            "you",
        ),
    ),
    "late": ConnectProblem(
        _("That took longer than ten minutes"),
        Advice(
            _("For safety an attempt to connect ends after ten minutes. Nothing was connected."),
            "you",
        ),
    ),
    "unfinished": ConnectProblem(
        _("You have not finished yet"),
        Advice(
            _(
                "The window of %(system)s was closed, or is still open somewhere. Nothing was "
                "connected."
            ),
            "you",
        ),
    ),
    "interrupted": ConnectProblem(
        _("We were interrupted"),
        Advice(_("You came back from %(system)s, and we stopped before we had its answer."), "you"),
    ),
    "other_browser": ConnectProblem(
        _("This was begun in another browser"),
        Advice(
            _(
                "Whoever begins to connect must finish it, in the same browser. If somebody sent "
                "you the address of "
                "%(system)s, they wanted your account to be connected to their tenant: close it, "
                "and tell us."
            ),
            "you",
            _(
                "Somebody sent me an address to connect %(system)s with %(hub)s. I did not finish "
                "it. Was that you?"
            ),
        ),
    ),
    "other_user": ConnectProblem(
        _("Another person began this"),
        Advice(
            _("Another person began to connect in this browser than the one who is signed in now."),
            "you",
        ),
    ),
    "other_connector": ConnectProblem(
        _("The answer came from another system"),
        Advice(
            _(
                "What came back belongs to another system than the one that you were sent to. We "
                "did not use it."
            ),
            "us",
            _(
                "Connecting %(system)s with %(hub)s was refused: the answer came back at another "
                "system's address."
            ),
        ),
    ),
    "other_issuer": ConnectProblem(
        _("The answer came from another sender"),
        Advice(
            _(
                "What came back says that it is from somebody else than %(system)s. We did not use "
                "it."
            ),
            "us",
            _("Connecting %(system)s with %(hub)s was refused: `iss` names another issuer."),
        ),
    ),
    "link_ended": ConnectProblem(
        _("The link has ended"),
        Advice(
            _(
                "It was taken back or used meanwhile, or it is older than a day. Ask whoever sent "
                "it for another one."
            ),
            "you",
        ),
    ),
    "moved": ConnectProblem(
        _("Our address has changed meanwhile"),
        Advice(
            _(
                "You were sent to %(system)s with another address of ours than the one that it is "
                "now."
            ),
            "you",
        ),
    ),
    # --- a person or an organisation refuses ---
    "denied": ConnectProblem(
        _("You said no"),
        Advice(
            _(
                "%(system)s says that access was not allowed: somebody chose Cancel. Nothing was "
                "connected."
            ),
            "you",
        ),
    ),
    "not_approved": ConnectProblem(
        _("An administrator must approve the app first"),
        Advice(
            _("%(system)s lets in only apps that an administrator has approved."),
            "their_admin",
            _("Please approve the app “%(hub)s” in our %(system)s, so that it can be connected."),
        ),
    ),
    "awaiting_approval": ConnectProblem(
        _("Waiting for an administrator of your %(system)s"),
        Advice(
            _(
                "If %(system)s said that your request was sent, an administrator there decides "
                "now, and you are not "
                "sent back to us. When they have approved it, come here and try again."
            ),
            "their_admin",
            _("Please approve the app “%(hub)s” in our %(system)s: I have asked for it there."),
        ),
    ),
    "refused_by_admin": ConnectProblem(
        _("An administrator has decided against the app"),
        Advice(
            _(
                "An administrator of your %(system)s has decided that our app may not be used. "
                "Only they can "
                "change that."
            ),
            "their_admin",
            _(
                "The app “%(hub)s” is refused in our %(system)s, and we would like to use it. "
                "Please look at that."
            ),
        ),
    ),
    "not_let_in": ConnectProblem(
        _("%(system)s did not let us in"),
        Advice(
            _(
                "An administrator has decided against our app, or somebody chose Cancel: "
                "%(system)s does not say which."
            ),
            "their_admin",
            _(
                "%(system)s does not let me connect “%(hub)s”. Please look whether the app is "
                "refused, and approve it."
            ),
        ),
    ),
    "not_distributed": ConnectProblem(
        _("Our app may not be installed there yet"),
        Advice(
            _("The app is not open to other accounts than our own."),
            "us",
            _(
                "Please open the app for %(system)s to all accounts: it cannot be installed in "
                "ours."
            ),
        ),
    ),
    "account_closed": ConnectProblem(
        _("The user or the account is not active"),
        Advice(
            _("%(system)s says that this user or this account is closed or locked."),
            "their_admin",
            _(
                "Please look at my user in %(system)s: it is said to be inactive, so that "
                "“%(hub)s” is not let in."
            ),
        ),
    ),
    "permission_refused": ConnectProblem(
        _("A permission was refused"),
        Advice(
            _(
                "%(system)s does not give one of the permissions that we ask for, or our app is "
                "not registered for it."
            ),
            "us",
            _(
                "Connecting %(system)s with %(hub)s was refused for its permissions. Are all "
                "registered with the app?"
            ),
        ),
    ),
    "missing_permission": ConnectProblem(
        _("A permission is missing"),
        Advice(
            _("Not all that we need was allowed, so part of it will not work."),
            "their_admin",
            _(
                "“%(hub)s” needs more permissions in our %(system)s: %(account)s. Can you allow "
                "them?"
            ),
        ),
    ),
    "permission_needed": ConnectProblem(
        _("Your routes need a permission that was not allowed"),
        Advice(
            _(
                "Routes that are switched on cannot work without: %(account)s. Try again, and "
                "allow it in %(system)s. "
                "Nothing was changed."
            ),
            "you",
            _(
                "“%(hub)s” needs more permissions in our %(system)s: %(account)s. Can you allow "
                "them?"
            ),
        ),
    ),
    # --- the account is not the expected one ---
    "wrong_account": ConnectProblem(
        _("This is another account"),
        Advice(
            _("You chose another account than the one that is connected so far, %(account)s."),
            "you",
        ),
    ),
    "other_environment": ConnectProblem(
        _("Sandbox and production are mixed up"),
        Advice(
            _("One of the two accounts is a sandbox, and the other is not."),
            "you",
            _(
                "Which %(system)s do we connect with %(hub)s: production or a sandbox? So far it "
                "is %(account)s."
            ),
        ),
    ),
    "taken": ConnectProblem(
        _("This account is connected already"),
        Advice(
            _("Another connection of yours has this account. Connect that one again instead."),
            "you",
        ),
    ),
    "elsewhere": ConnectProblem(
        _("This account is connected elsewhere, too"),
        Advice(
            _(
                "The same account is connected to another tenant of %(hub)s. Both may use it; they "
                "share its quotas."
            ),
            "their_admin",
            _(
                "Our %(system)s account %(account)s is connected to %(hub)s in two places. Do you "
                "know of both?"
            ),
        ),
    ),
}
