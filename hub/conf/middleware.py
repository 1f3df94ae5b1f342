"""The middleware of pages, and the short chains of requests that only programs send."""

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "hub.logs.RequestIdMiddleware",
    "hub.problems.parse_budget.ParsingMiddleware",
    "hub.portal.query_middleware.QueryMiddleware",
    "csp.middleware.CSPMiddleware",
    "tenants.access.tenant_users.TenantPagesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "hub.portal.language_middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "hub.staff.StaffSessionMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "hub.limits.request_limits.LimitsMiddleware",
]
HUB_WEBHOOK_PATH = "/hooks/"  # requests below it are answered within a deadline
# Of requests that only programs send, by the beginning of their path: they have no session, and
# sessions, CSRF, sign-in and pages would cost them as much as their work.
HUB_SHORT_CHAINS = {
    HUB_WEBHOOK_PATH: [
        "django.middleware.security.SecurityMiddleware",
        "hub.logs.RequestIdMiddleware",
        "hub.portal.language_middleware.LanguageMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    "/api/v1/": [
        "django.middleware.security.SecurityMiddleware",
        "hub.logs.RequestIdMiddleware",
        "hub.problems.parse_budget.ParsingMiddleware",
        "csp.middleware.CSPMiddleware",
        "hub.portal.language_middleware.LanguageMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
        "hub.limits.request_limits.LimitsMiddleware",
    ],
}
