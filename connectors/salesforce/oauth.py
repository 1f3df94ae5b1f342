"""Salesforce OAuth: how our app is registered, its permissions, and advice for problems."""

from collections.abc import Mapping

from connectors.i18n import _
from connectors.schema import Advice, Environment, LoginHost, Permission

PERMISSIONS = (
    Permission("api", _("to read and write records, with the rights of the person who connects")),
    Permission("refresh_token", _("to stay connected without anybody signing in again")),
)

ENVIRONMENTS = (
    Environment(
        "production",
        _("Production"),
        _(
            "The organisation that you work in, a trial, or a Developer Edition: you sign in at "
            "login.salesforce.com."
        ),
    ),
    Environment(
        "sandbox",
        _("Sandbox"),
        _(
            "A copy to try things out in: you sign in at test.salesforce.com, and its address has "
            "“sandbox” in it."
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
        "For an organisation that does not let people sign in at login.salesforce.com or "
        "test.salesforce.com. You find it in Salesforce under Setup, My Domain, Current My Domain "
        "URL. Enter the host alone."
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

AT_CONSENT: Mapping[str, str] = {
    # "app must be installed into org", since September 2025; unverified
    "invalid_client": "not_approved",
}

ERRORS: Mapping[str, Advice] = {
    "not_approved": Advice(
        _(
            "This organisation does not let the app in: it is not installed or not approved "
            "there, or your profile may not use it."
        ),
        "their_admin",
        _(
            "Please let the app “%(hub)s” into our Salesforce organisation: Setup, Connected Apps "
            "OAuth Usage, “%(hub)s”, Install, then Manage App Policies: permitted users, with the "
            "profile or permission set of whoever connects."
        ),
    ),
    "account_closed": Advice(
        _("Salesforce says that this user or this organisation is not active."),
        "their_admin",
        _(
            "Please look at my user in Salesforce (Setup, Users): it is said to be inactive or "
            "locked, so that “%(hub)s” cannot be connected."
        ),
    ),
    "wrong_account": Advice(
        _(
            "You signed in to another organisation than the one that is connected. Sign out of "
            "Salesforce first, or open a private window, and choose the organisation again."
        ),
        "you",
    ),
    "other_environment": Advice(
        _(
            "What was meant is not where you signed in: one is a sandbox and the other is not. A "
            "sandbox signs in at test.salesforce.com or at an address with “sandbox” in it, "
            "production at login.salesforce.com."
        ),
        "you",
        _(
            "Which Salesforce do we connect with %(hub)s: the production organisation, or a "
            "sandbox?"
        ),
    ),
    "unfinished": Advice(
        _(
            "The window of Salesforce was closed, or is still open somewhere. Nothing was "
            "connected. If Salesforce did not take your user name and password, your account is "
            "probably of the other kind, or your organisation lets people sign in at its own "
            "address (My Domain) only: choose that one."
        ),
        "you",
    ),
    "code_refused": Advice(
        _(
            "The code that Salesforce sent us had ended, or was used already. It lives a few "
            "minutes only; a clock that is wrong on the way does the same."
        ),
        "you",
    ),
}

GUIDE = (
    _(
        "In a Salesforce organisation of ours: Setup, External Client App Manager, New External "
        "Client App. (Older organisations: App Manager, New Connected App; the same values go "
        "there.)"
    ),
    _(
        "Name and contact e-mail as you like; Distribution State: Packaged where customers "
        "install it, otherwise Local."
    ),
    _("API (Enable OAuth Settings): tick Enable OAuth, and set Callback URL to %(redirect_uri)s"),
    _(
        "Selected OAuth scopes: %(permissions)s (Manage user data via APIs; Perform requests at "
        "any time)."
    ),
    _(
        "Flow enablement: the authorization code flow of a web server. Tick Require Secret for "
        "Web Server Flow and Require Proof Key for Code Exchange (PKCE)."
    ),
    _(
        "Customers choose between production and a sandbox, which signs in at "
        "test.salesforce.com. The same consumer key and secret serve both, once the sandbox knows "
        "the app: install it there, or refresh the sandbox. An organisation that lets nobody sign "
        "in at these two is connected at its own My Domain address."
    ),
    _(
        "Policies: Refresh Token Policy: valid until revoked. Rotation may be on or off. IP "
        "Relaxation: relax IP restrictions, or allow the addresses of this hub."
    ),
    _(
        "Settings, OAuth Settings, Consumer Key and Secret: copy both to this page. Salesforce "
        "takes up to 10 minutes to know a new app."
    ),
)
