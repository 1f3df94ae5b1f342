"""Problems of the person who connects, of the account, and of administrators who must approve."""

from collections.abc import Mapping

from django.utils.translation import gettext_noop as _

from connectors.schema import Advice
from hub.connections.connecting.troubleshooting.problem import ConnectProblem

USER_PROBLEMS: Mapping[str, ConnectProblem] = {
    # --- a person or an organisation refuses ---
    "denied": ConnectProblem(
        _("Access was not allowed"),
        Advice(
            _(
                "%(system)s reports that access was not allowed because Cancel was "
                "pressed. Nothing was connected."
            ),
            "you",
        ),
    ),
    "not_approved": ConnectProblem(
        _("An administrator must approve the app first"),
        Advice(
            _("%(system)s only allows apps that an administrator has approved."),
            "their_admin",
            _("Please approve the app “%(hub)s” in our %(system)s, so that it can be connected."),
        ),
    ),
    "awaiting_approval": ConnectProblem(
        _("Waiting for an administrator of your %(system)s"),
        Advice(
            _(
                "If %(system)s reported that your request was sent, an administrator there "
                "must decide, and you are not sent back to us. When they have approved the "
                "app, return here and try again."
            ),
            "their_admin",
            _("Please approve the app “%(hub)s” in our %(system)s: I have requested it there."),
        ),
    ),
    "refused_by_admin": ConnectProblem(
        _("An administrator has rejected the app"),
        Advice(
            _(
                "An administrator of your %(system)s does not allow our app. Only an "
                "administrator can change that."
            ),
            "their_admin",
            _(
                "The app “%(hub)s” is not allowed in our %(system)s, but we would like to "
                "use it. Please check this."
            ),
        ),
    ),
    "not_let_in": ConnectProblem(
        _("%(system)s denied access"),
        Advice(
            _(
                "An administrator has rejected our app, or Cancel was pressed. %(system)s "
                "does not report which."
            ),
            "their_admin",
            _(
                "%(system)s does not let me connect “%(hub)s”. Please check whether the "
                "app is blocked, and approve it."
            ),
        ),
    ),
    "not_distributed": ConnectProblem(
        _("Our app cannot be installed there yet"),
        Advice(
            _("The app is not available to other accounts yet."),
            "us",
            _(
                "Please make the app for %(system)s available to all accounts: it cannot "
                "be installed in ours."
            ),
        ),
    ),
    "account_closed": ConnectProblem(
        _("The user or the account is not active"),
        Advice(
            _("%(system)s reports that this user or account is closed or locked."),
            "their_admin",
            _(
                "Please check my user in %(system)s: it is reported as inactive, so "
                "“%(hub)s” is denied access."
            ),
        ),
    ),
    "permission_refused": ConnectProblem(
        _("A permission was refused"),
        Advice(
            _(
                "%(system)s does not grant one of the requested permissions, or our app is "
                "not registered for it."
            ),
            "us",
            _(
                "Connecting %(system)s with %(hub)s was refused because of its "
                "permissions. Are all permissions registered with the app?"
            ),
        ),
    ),
    "missing_permission": ConnectProblem(
        _("A permission is missing"),
        Advice(
            _("Some required permissions were not granted, so some functions will not work."),
            "their_admin",
            _(
                "“%(hub)s” needs more permissions in our %(system)s: %(account)s. Can you "
                "grant them?"
            ),
        ),
    ),
    "permission_needed": ConnectProblem(
        _("Your routes need a permission that was not granted"),
        Advice(
            _(
                "Active routes require: %(account)s. Try again and grant the permission in "
                "%(system)s. Nothing was changed."
            ),
            "you",
            _(
                "“%(hub)s” needs more permissions in our %(system)s: %(account)s. Can you "
                "grant them?"
            ),
        ),
    ),
    # --- the account is not the expected one ---
    "wrong_account": ConnectProblem(
        _("This is another account"),
        Advice(
            _("You selected an account other than the connected one, %(account)s."),
            "you",
        ),
    ),
    "other_environment": ConnectProblem(
        _("Sandbox and production are mixed up"),
        Advice(
            _("One of the two accounts is a sandbox account, the other is not."),
            "you",
            _(
                "Which %(system)s should we connect with %(hub)s: production or a sandbox? "
                "Currently it is %(account)s."
            ),
        ),
    ),
    "taken": ConnectProblem(
        _("This account is already connected"),
        Advice(
            _("Another of your connections uses this account. Reconnect that one instead."),
            "you",
        ),
    ),
    "elsewhere": ConnectProblem(
        _("This account is also connected elsewhere"),
        Advice(
            _(
                "The same account is connected to another tenant of %(hub)s. Both can use "
                "it and share its quotas."
            ),
            "their_admin",
            _(
                "Our %(system)s account %(account)s is connected to %(hub)s twice. Do you "
                "know both connections?"
            ),
        ),
    ),
    "changed_meanwhile": ConnectProblem(
        _("The connection was changed in the meantime"),
        Advice(
            _(
                "The connection was disconnected, or got another account, while the new one was "
                "tested. Nothing was saved. Check the connection, then confirm again."
            ),
            "you",
        ),
    ),
}
