"""Settings that are the same in every environment: installed apps, middleware, sign-in, pages and
API.
"""

from csp.constants import SELF

# --- installed apps and middleware ----------------------------------------------------------------

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "hub.console.apps.SiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_q",
    "csp",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "tenants",
    "hub",
    "hub.notices",
    "hub.limits",
    "hub.throttle",
    "hub.operations",
    "hub.connections",
    "hub.schemas",
    "hub.mappings",
    "hub.outgoing",
    "hub.incoming",
    "hub.scheduled",
    "hub.identities",
    "hub.recipes",
    "hub.console",
    "hub.portal",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "hub.logs.RequestIdMiddleware",
    "hub.problems.parse_budget.ParsingMiddleware",
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
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]

ROOT_URLCONF = "hub.urls"
AUTH_USER_MODEL = "tenants.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- functions by dotted name: a lower layer never imports a higher one ---------------------------

HUB_WAKE_UP_TASKS = {
    "pump": "hub.outgoing.tasks.pump",
    "drain": "hub.outgoing.tasks.drain",
    "refresh": "hub.connections.tasks.run_refresh",
    "revoke": "hub.connections.tasks.run_revocation",
    "check": "hub.connections.tasks.run_liveness_checks",
    "test": "hub.connections.tasks.run_waiting_test",
    "tell": "hub.notices.tasks.mail_due_notices",
    "mail": "hub.mail.tasks.send_due_mails",
    "canary": "hub.queue.run_canary",
    "operate": "hub.operations.tasks.run_operation_slice",
    "prune": "hub.prune.tasks.prune",
    "inbox": "hub.incoming.tasks.process_inbox",
    "register": "hub.incoming.tasks.check_registrations",
    "run": "hub.scheduled.tasks.process_runs",
    "repair": "hub.scheduled.tasks.check_due_repairs",
    "directory": "hub.identities.tasks.read_directory",
    "value_index": "hub.outgoing.tasks.index_values",
