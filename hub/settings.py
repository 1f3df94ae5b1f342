"""Settings, read from the environment (and var/hub.env); a wrong value fails at start, by name."""

import os
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from csp.constants import SELF
from django.core.exceptions import ImproperlyConfigured

from hub.environment import (
    MAIL_PORTS,
    a_colour,
    a_mail_server,
    a_picture,
    a_rate,
    a_share,
    an_address,
    database,
    env,
    keys,
    read,
    required,
)

BASE_DIR = Path(__file__).resolve().parent.parent

env_file = Path(env.str("HUB_ENV_FILE", str(BASE_DIR / "var" / "hub.env")))
if env_file.is_file():
    env.read_env(str(env_file), recurse=False)


# --- who we are ------------------------------------------------------------------------------------------------------

DEBUG = read(env.bool, "HUB_DEBUG", False)
SECRET_KEY = required("HUB_SECRET_KEY", "a long random text that signs sessions")
HUB_FIELD_KEYS = keys("HUB_FIELD_KEYS", "the keys that seal secrets, newest first")
FIELD_ENCRYPTION_KEY = HUB_FIELD_KEYS  # the name that django-encrypted-model-fields reads

HUB_PUBLIC_URL = read(env.str, "HUB_PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
if urlsplit(HUB_PUBLIC_URL).scheme not in ("http", "https") or not urlsplit(HUB_PUBLIC_URL).hostname:
    raise ImproperlyConfigured("HUB_PUBLIC_URL is wrong: it is the address of the hub, such as https://hub.example.com")
HUB_NAME = read(env.str, "HUB_NAME", "Integration Hub")
HUB_LOGO = read(a_picture, "HUB_LOGO", "")  # shown to customers, beside the name
HUB_COLOUR = read(a_colour, "HUB_COLOUR", "#0b6459")
HUB_ENVIRONMENT = read(env.str, "HUB_ENVIRONMENT", "live")
if HUB_ENVIRONMENT not in ("live", "test"):
    raise ImproperlyConfigured("HUB_ENVIRONMENT is wrong: it is live or test, and API keys carry it")
ALLOWED_HOSTS = read(env.list, "HUB_ALLOWED_HOSTS", [str(urlsplit(HUB_PUBLIC_URL).hostname)])
if DEBUG and not set(ALLOWED_HOSTS) <= {"127.0.0.1", "localhost", "[::1]", "testserver"}:
    raise ImproperlyConfigured("HUB_DEBUG is wrong: it is for a desk, and HUB_ALLOWED_HOSTS names other hosts")

# --- mail ------------------------------------------------------------------------------------------------------------

HUB_EMAIL_URL = read(a_mail_server, "HUB_EMAIL_URL", "")  # empty: mail is not set up, and pages say so
MAIL = urlsplit(HUB_EMAIL_URL)
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if MAIL.hostname else 'console'}.EmailBackend"
EMAIL_HOST, EMAIL_PORT = MAIL.hostname or "", MAIL.port or MAIL_PORTS.get((MAIL.scheme, MAIL.query))
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(MAIL.username or ""), unquote(MAIL.password or "")
EMAIL_USE_TLS, EMAIL_USE_SSL = MAIL.query == "tls=1", MAIL.scheme == "smtps"
EMAIL_TIMEOUT = 5  # seconds, for each step of talking to the server: a worker waits for it
HUB_EMAIL_FROM = read(an_address, "HUB_EMAIL_FROM", f"hub@{urlsplit(HUB_PUBLIC_URL).hostname}")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = HUB_EMAIL_FROM
HUB_MAIL_NEWS = {"mail/invitation.txt": "tenants.invitations.news"}  # who hears what became of a mail, by its template

# --- where people may be sent back to --------------------------------------------------------------------------------


def origins(name: str, default: list[str]) -> list[str]:
    value = env.list(name, default)
    for text in value:
        parts = urlsplit(text)
        if text != f"{parts.scheme}://{parts.netloc}" or parts.scheme not in ("http", "https") or "@" in parts.netloc:
            raise ValueError("it is a list of origins such as https://app.example.com, without a path")
    return value


HUB_PORTAL_RETURN_URLS = read(origins, "HUB_PORTAL_RETURN_URLS", [])  # of our own application, for portal links

# --- what it may reach -----------------------------------------------------------------------------------------------

HUB_EGRESS_ALLOW = read(env.list, "HUB_EGRESS_ALLOW", [])  # exact host:port, for a desk's sandbox only
HUB_EGRESS_PORTS = read(partial(env.list, subcast=int), "HUB_EGRESS_PORTS", [443, 8443, 8088, 8089])

HUB_LIVE_SHARE = read(a_share, "HUB_LIVE_SHARE", 0.2)  # of each quota, kept free of background work
HUB_HOST_RATE = read(a_rate, "HUB_HOST_RATE", "off")  # to any one host, over all connectors and tenants
HUB_ADDRESS_RATE = read(a_rate, "HUB_ADDRESS_RATE", "off")  # from our own outgoing address

# --- parts -----------------------------------------------------------------------------------------------------------

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
    "hub.throttle",
    "hub.operations",
    "hub.connections",
    "hub.mappings",
    "hub.outgoing",
    "hub.console",
    "hub.portal",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "hub.logs.RequestIdMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]

ROOT_URLCONF = "hub.urls"
WSGI_APPLICATION = "hub.wsgi.application"
AUTH_USER_MODEL = "tenants.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- the database ----------------------------------------------------------------------------------------------------

DATABASES = {"default": database(read(env.str, "DATABASE_URL", f"sqlite:///{BASE_DIR / 'var' / 'hub.sqlite3'}"))}
DATABASES["default"]["CONN_MAX_AGE"] = 60
ON_SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")

# --- the queue: a doorbell, see docs/architecture.md ----------------------------------------------------------------

HUB_PUMPS = read(env.int, "HUB_PUMPS", 1 if ON_SQLITE else max(1, os.cpu_count() or 1))
if HUB_PUMPS < 1 or (ON_SQLITE and HUB_PUMPS > 1):
    raise ImproperlyConfigured("HUB_PUMPS is wrong: at least 1, and 1 on SQLite")
HUB_DISABLE_AFTER = timedelta(days=read(env.float, "HUB_DISABLE_AFTER", 5))  # of nothing but failures
if not timedelta() < HUB_DISABLE_AFTER:
    raise ImproperlyConfigured("HUB_DISABLE_AFTER is wrong: days, more than 0")
HUB_BELLS = {
    "pump": "hub.outgoing.tasks.pump",
    "drain": "hub.outgoing.tasks.drain",
    "refresh": "hub.connections.tasks.refresh",
    "revoke": "hub.connections.tasks.revoke",
    "check": "hub.connections.tasks.check",
    "tell": "hub.notices.tasks.tell",
    "mail": "hub.mail.tasks.post",
    "canary": "hub.queue.canary",
    "operate": "hub.operations.tasks.operate",
    "prune": "hub.prune.tasks.prune",
}
Q_CLUSTER = {
    "name": "hub",  # the salt of its signatures: never changed
    "orm": "default",
    "broker_class": "hub.queue.Doorbell",
    "workers": HUB_PUMPS + 1,
    "queue_limit": HUB_PUMPS + 1,
    "bulk": 1,
    "timeout": 90,  # must never fire: each task ends itself by 60 s
    "retry": 300,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": -1,
    "catch_up": False,
    "recycle": 500,
    "max_rss": 250_000,
    "poll": 0.5,
    "cache": "queue",
    "scheduler": False,
}
CACHES = {
    "default": {"BACKEND": "hub.cache.SharedCache"},
    "queue": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "queue"},
}

# --- people, pages, API ----------------------------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "front"
ACCOUNT_ADAPTER = "tenants.adapter.AccountAdapter"
ACCOUNT_FORMS = {"signup": "tenants.adapter.SignupForm"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL
ACCOUNT_SESSION_REMEMBER = True
MFA_ADAPTER = "tenants.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = HUB_NAME
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"}}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

SECURE = urlsplit(HUB_PUBLIC_URL).scheme == "https"
SESSION_ENGINE = "hub.sessions"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [HUB_PUBLIC_URL]
CSRF_FAILURE_VIEW = "hub.problems.csrf_failure"
SECURE_HSTS_SECONDS = 31536000 if SECURE else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if read(env.bool, "HUB_BEHIND_TLS_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ALLAUTH_TRUSTED_PROXY_COUNT = 1  # the last address of X-Forwarded-For, which the proxy adds

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "frame-ancestors": ["'none'"],
        "base-uri": [SELF],
        "form-action": [SELF],
        "object-src": ["'none'"],
    }
}

UNFOLD = {
    "SITE_TITLE": HUB_NAME,
    "SITE_HEADER": HUB_NAME,
    "SITE_ICON": "/static/console/logo.svg",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "/static/console/logo.svg"}],
    "SHOW_BACK_BUTTON": True,
    "ENVIRONMENT": "hub.console.navigation.environment",
    "DASHBOARD_CALLBACK": "hub.console.views.dashboard",
    "STYLES": ["/static/console/palette.css", "/static/console/console.css"],
    "SCRIPTS": ["/static/console/console.js"],
    "SITE_URL": "",
    "SIDEBAR": {"navigation": "hub.console.navigation.sidebar", "show_search": True, "command_search": True},
    "COMMAND": {"search_callback": "hub.console.search.find"},
}

# --- work on many rows -----------------------------------------------------------------------------------------------

HUB_OPERATIONS = {  # what is done to a batch, by the kind of an operation
    "retry": "hub.outgoing.batches.retry",
    "send_again": "hub.outgoing.batches.send_again",
    "cancel": "hub.outgoing.batches.cancel",
    "skip": "hub.outgoing.batches.skip",
    "send_missing": "hub.outgoing.missing.send_missing",
}
HUB_OPERATION_ROWS_PER_HOUR = read(env.int, "HUB_OPERATION_ROWS_PER_HOUR", 5000)  # of one person or key of a tenant
HUB_KEEP_BODIES_DAYS = read(env.int, "HUB_KEEP_BODIES_DAYS", 30)
HUB_KEEP_ROWS_DAYS = read(env.int, "HUB_KEEP_ROWS_DAYS", 90)
if HUB_OPERATION_ROWS_PER_HOUR < 1:
    raise ImproperlyConfigured("HUB_OPERATION_ROWS_PER_HOUR is wrong: at least 1")
if not 1 <= HUB_KEEP_BODIES_DAYS <= HUB_KEEP_ROWS_DAYS:
    raise ImproperlyConfigured("HUB_KEEP_BODIES_DAYS is wrong: at least 1, and not longer than HUB_KEEP_ROWS_DAYS")

HUB_EVENT_BYTES = 256 * 1024  # of one event
HUB_BATCH_EVENTS = 1000
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.authentication.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["hub.problems.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "hub.problems.handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Integration Hub",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "DeliveryStateEnum": "hub.outgoing.models.Delivery.State",
        "ConnectionStateEnum": "hub.connections.models.Connection.State",
        "ConnectorEnum": "hub.connections.api.shown.EVERY",
        "FilledInConnectorEnum": "hub.connections.api.shown.BY_FORM",
        "OperationStateEnum": "hub.operations.models.Operation.State",
        "RoleEnum": "tenants.models.Membership.Role",
        "GuestRoleEnum": "tenants.models.PortalLink.ROLES",
    },
}

HUB_LOG_LEVEL = read(env.str, "HUB_LOG_LEVEL", "INFO")
LOGGING_CONFIG = "hub.logs.configure"
LOGGING = {"level": HUB_LOG_LEVEL}
DEFAULT_EXCEPTION_REPORTER_FILTER = "hub.logs.ReporterFilter"
