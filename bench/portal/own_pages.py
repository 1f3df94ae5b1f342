"""Pages of no tenant: of a person's own account, of strangers, and the documentation of the API."""

# by name, for a person who has a second factor and has just signed in
OWN_PAGES = {
    "tenants": "/t/",
    "account_email": "/accounts/email/",
    "account_password": "/accounts/password/change/",
    "account_second_factor": "/accounts/2fa/",
    "account_second_factor_off": "/accounts/2fa/totp/deactivate/",
    "account_recovery_codes": "/accounts/2fa/recovery-codes/generate/",
    "account_sign_out": "/accounts/logout/",
    "account_reauthenticate": "/accounts/2fa/reauthenticate/",
    "docs_introduction": "/api/docs/",
    "docs_guide": "/api/docs/quick-start/",
    "docs_search": "/api/docs/search/?q=webhook",
    "docs_reference": "/api/docs/reference/",
    "problems": "/problems/",
    "problem": "/problems/not-found",
}
STRANGERS_PAGES = {
    "sign_in": "/accounts/login/",
    "password_reset": "/accounts/password/reset/",
    "password_reset_sent": "/accounts/password/reset/done/",
    "password_reset_ended": "/accounts/password/reset/key/done/",
    "account_inactive": "/accounts/inactive/",
    "link_used": "/connect/link/done/",
}
NO_OWN_PAGES = {  # addresses that are not measured, each with its reason
    "accounts/2fa/authenticate/": "a step while a person signs in",
    "accounts/2fa/first/": "it is only posted to",
    "accounts/2fa/first/<str:token>/": "a step of a mailed link",
    "accounts/2fa/recovery-codes/": "it shows codes once, after they were made",
    "accounts/2fa/recovery-codes/download/": "a download",
    "accounts/2fa/totp/activate/": "a step of a mailed link",
    "accounts/confirm-email/": "a step while a person signs up",
    "accounts/login/code/confirm/": "a step while a person signs in",
    "accounts/password/reset/key/<uidb36>-<key>/": "a step of a mailed link",
    "accounts/password/set/": "it leads on",
    "accounts/reauthenticate/": "it leads on to the second factor",
    "accounts/signup/": "a step of an invitation",
    "connect/<slug:connector>/callback": "it leads on",
    "connect/<slug:connector>/refused/<slug:code>/": "a step of an attempt to connect",
    "connect/link/": "a page of a guest with a connect link",
    "connect/link/<str:token>/": "a step of a connect link",
    "connect/link/fill-in/": "a page of a guest with a connect link",
    "connect/link/start": "it is only posted to",
    "enter/<str:token>/": "it leads on",
    "invitations/<str:token>/": "a step of an invitation",
}
