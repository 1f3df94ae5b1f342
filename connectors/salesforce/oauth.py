"""Salesforce OAuth: how our app is registered, its permissions, and advice for problems."""

from collections.abc import Mapping

from connectors.i18n import _
from connectors.schema import Advice, Environment, LoginHost, Permission

PERMISSIONS = (
    Permission("api", _("to read and write records, with the rights of the person who connects")),
    Permission("refresh_token", _("to stay connected without signing in again")),
)

ENVIRONMENTS = (
    Environment(
        "production",
        _("Production"),
        _(
            "Your organisation, a trial or a Developer Edition. You sign in at "
            "login.salesforce.com."
        ),
    ),
    Environment(
        "sandbox",
        _("Sandbox"),
        _(
            "A copy for testing. You sign in at test.salesforce.com, and the address "
            "contains “sandbox”."
        ),
        urls={"login": "sandbox_login", "token": "sandbox_token"},
    ),
)

# https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_endpoints.htm, 2026-11:
# MyDomainName.my.salesforce.com, or MyDomainName--SandboxName.sandbox.my.salesforce.com. A name has
# letters, digits and single hyphens between them (unverified), so an IDNA name ("xn--") is invalid.
DOMAIN_NAME = r"(?!xn--)(?=[a-z0-9-]{1,63}\.)[a-z0-9]+(?:-[a-z0-9]+)*"

LOGIN_HOSTS = LoginHost(
    _("Our own login address (My Domain)"),
    _(
        "For an organisation that does not allow sign-in at login.salesforce.com or "
        "test.salesforce.com. You find the address in Salesforce under Setup, My Domain, "
        "Current My Domain URL. Enter only the host."
    ),
    example="acme.my.salesforce.com",
    patterns={
        "production": rf"{DOMAIN_NAME}\.my\.salesforce\.com",
        "sandbox": rf"{DOMAIN_NAME}--[a-z0-9]+\.sandbox\.my\.salesforce\.com",
    },
    urls={"login": "domain_login", "token": "domain_token"},
)

PROBLEMS: Mapping[
    str, str
] = {  # https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_flow_errors.htm
    "app_not_found": "not_approved",
    "inactive_org": "account_closed",
    "inactive_user": "account_closed",
    "invalid_app_access": "not_approved",
    "invalid_client_credentials": "client_refused",
    "OAUTH_APP_ACCESS_DENIED": "not_approved",
    "OAUTH_APP_BLOCKED": "not_approved",
    "OAUTH_APPROVAL_ERROR_GENERIC": "not_approved",
    "OAUTH_AUTHORIZATION_BLOCKED": "not_approved",
    "OAUTH_EC_APP_NOT_FOUND": "not_approved",
}

CONSENT_PROBLEMS: Mapping[str, str] = {
    # "app must be installed into org", since September 2025; unverified
    "invalid_client": "not_approved",
}

ERRORS: Mapping[str, Advice] = {
    "not_approved": Advice(
        _(
            "This organisation does not allow the app: it is not installed or not approved "
            "there, or your profile is not permitted to use it."
        ),
        "their_admin",
        _(
            "Please allow the app “%(hub)s” in our Salesforce organisation: Setup, "
            "Connected Apps OAuth Usage, “%(hub)s”, Install, then Manage App Policies: "
            "permitted users, with the profile or permission set of the person who "
            "connects."
        ),
    ),
    "account_closed": Advice(
        _("Salesforce reports that this user or organisation is not active."),
        "their_admin",
        _(
            "Please check my user in Salesforce (Setup, Users): it is reported as inactive "
            "or locked, so “%(hub)s” cannot be connected."
        ),
    ),
    "wrong_account": Advice(
        _(
            "You signed in to an organisation other than the connected one. Sign out of "
            "Salesforce first, or open a private window, and select the organisation "
            "again."
        ),
        "you",
    ),
    "other_environment": Advice(
        _(
            "You selected one kind of account and signed in to another: one is a sandbox, "
            "the other is not. Sandbox users sign in at test.salesforce.com or at an "
            "address that contains “sandbox”, production users at login.salesforce.com."
        ),
        "you",
        _(
            "Which Salesforce should we connect with %(hub)s: the production organisation "
            "or a sandbox?"
        ),
    ),
    "unfinished": Advice(
        _(
            "The window of Salesforce was closed or is still open. Nothing was connected. "
            "If Salesforce did not accept your user name and password, your account is "
            "probably of the other kind, or your organisation allows sign-in only at its "
            "own address (My Domain). In that case, select that option."
        ),
        "you",
    ),
    "code_refused": Advice(
        _(
            "The code from Salesforce has expired or was already used. Codes are valid for "
            "a few minutes only. A wrong clock can also cause this."
        ),
        "you",
    ),
}

GUIDE = (
    _(
        "In your own Salesforce organisation: Setup, External Client App Manager, New "
        "External Client App. (Older organisations: App Manager, New Connected App, with "
        "the same values.)"
    ),
    _(
        "Choose a name and a contact e-mail address. Distribution State: Packaged if "
        "customers install the app, otherwise Local."
    ),
    _("API (Enable OAuth Settings): select Enable OAuth, and set Callback URL to %(redirect_uri)s"),
    _(
        "Selected OAuth scopes: %(permissions)s (Manage user data via APIs; Perform requests at "
        "any time)."
    ),
    _(
        "Flow enablement: the web server flow (authorization code). Select Require Secret "
        "for Web Server Flow and Require Proof Key for Code Exchange (PKCE)."
    ),
    _(
        "Customers select production or a sandbox (test.salesforce.com). Both use the same "
        "consumer key and secret, once the app is installed in the sandbox or the sandbox "
        "has been refreshed. An organisation that allows sign-in only at its own My Domain "
        "address is connected there."
    ),
    _(
        "Policies: set Refresh Token Policy to valid until revoked. Rotation can be on or "
        "off. IP Relaxation: relax IP restrictions, or allow the addresses of this hub."
    ),
    _(
        "Settings, OAuth Settings, Consumer Key and Secret: copy both to this page. It can "
        "take up to 10 minutes until Salesforce recognises a new app."
    ),
)
