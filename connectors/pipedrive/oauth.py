"""Pipedrive OAuth: how our app is registered, its permissions, and advice for problems."""

from collections.abc import Mapping

from connectors.i18n import _
from connectors.pipedrive.schema import WRITES_ACTIVITIES, WRITES_LEADS
from connectors.schema import Advice, Permission

# The consent page asks for all permissions of the app in the Developer Hub; none can be left out.
PERMISSIONS = (
    Permission("base", _("to learn which company it is, and who connected it")),
    Permission("contacts:full", _("to write persons and organizations")),
    Permission("deals:full", _("to write deals and notes")),
    Permission("leads:full", WRITES_LEADS),
    Permission("activities:full", WRITES_ACTIVITIES),
    Permission("users:read", _("to match the users of the company with yours"), optional=True),
    Permission(
        "admin", _("to create and keep the webhooks by which changes arrive"), optional=True
    ),
)

PROBLEMS: Mapping[str, str] = {"account_not_open": "account_closed"}

ERRORS: Mapping[str, Advice] = {
    "denied": Advice(
        _(
            "Access was not allowed in Pipedrive. Permissions can only be granted all "
            "together, and some companies let only their administrators install apps."
        ),
        "you",
        _(
            "Please install the app “%(hub)s” in our Pipedrive, or let me install it (Company "
            "settings, Manage users, Permission sets). It writes persons, organizations, deals, "
            "leads, activities and notes."
        ),
    ),
    "account_closed": Advice(
        _(
            "Pipedrive reports that this company's account is not active: its trial has "
            "ended or a payment is missing."
        ),
        "their_admin",
        _(
            "Please check the billing of our Pipedrive (Company settings, Billing): the "
            "account is reported as inactive, so “%(hub)s” cannot be connected."
        ),
    ),
    "wrong_account": Advice(
        _(
            "You selected a company other than the connected one. You can switch companies "
            "in the menu with your name at the top right of Pipedrive."
        ),
        "you",
    ),
    "code_refused": Advice(
        _(
            "The code from Pipedrive has expired or was already used. Codes are valid for "
            "five minutes."
        ),
        "you",
    ),
}

GUIDE = (
    _(
        "Open the Developer Hub (in Pipedrive: the menu with your name, Developer Hub) and "
        "select Create an app: public, or private if only your own company connects."
    ),
    _("Basic info, Callback URL: %(redirect_uri)s"),
    _(
        "OAuth & access scopes, full access of each: %(permissions)s. Everyone who "
        "connects must grant the scopes selected here; after a change, they must grant "
        "them again."
    ),
    _("OAuth & access scopes, Client ID and Client secret: copy both to this page."),
    _(
        "A public app is reviewed before other companies can install it. Until then, it "
        "works only in your own company."
    ),
)
