"""Settings, read from the environment (and var/hub.env); a wrong value fails at start, by name."""

import os
import re
from contextlib import suppress
from datetime import timedelta
from email.utils import parseaddr
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

import dj_database_url
from cryptography.fernet import Fernet
from csp.constants import SELF
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvError

LOGOS = (".svg", ".png")
LOGO_BYTES = 100_000

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env(eager=True)
env_file = Path(env.str("HUB_ENV_FILE", str(BASE_DIR / "var" / "hub.env")))
if env_file.is_file():
    env.read_env(str(env_file), recurse=False)


def required(name: str, hint: str) -> str:
    value = env.str(name, "")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set: {hint}. `script/server` makes one in var/hub.env.")
    return value


def read(kind, name, default):
    """One setting of the environment, with its name in the error."""
    try:
        return kind(name, default)
    except (EnvError, ValueError) as error:
        raise ImproperlyConfigured(f"{name} is wrong: {error}") from None


def field_keys() -> list[str]:
    keys = [key.strip() for key in required("HUB_FIELD_KEYS", "the keys that seal secrets, newest first").split(",")]
    for number, key in enumerate(keys, 1):
        try:
            Fernet(key)
        except ValueError:
            raise ImproperlyConfigured(
                f"HUB_FIELD_KEYS is wrong: key {number} is not 32 bytes in url-safe base64"
            ) from None
    return keys


def a_picture(name: str, default: str) -> Path | None:
    path = env.str(name, default)
    if not path:
        return None
    if Path(path).suffix not in LOGOS or not Path(path).is_file():
        raise ValueError("it is the path of a file that ends with .svg or .png")
    if Path(path).stat().st_size > LOGO_BYTES:
        raise ValueError(f"the file is larger than {LOGO_BYTES:,} bytes")
    return Path(path)


def a_colour(name: str, default: str) -> str:
    value = env.str(name, default)
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise ValueError("it is a colour such as #0b6459")
    return value.lower()


# --- who we are ------------------------------------------------------------------------------------------------------

DEBUG = read(env.bool, "HUB_DEBUG", False)
SECRET_KEY = required("HUB_SECRET_KEY", "a long random text that signs sessions")
HUB_FIELD_KEYS = field_keys()
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

MAIL_PORTS = {("smtp", ""): 25, ("smtp", "tls=1"): 587, ("smtps", ""): 465}


def a_mail_server(name: str, default: str) -> str:
    value = env.str(name, default)
    with suppress(ValueError):  # its words would tell a part of the password
        parts = urlsplit(value)
        named = parts.hostname and parts.port != 0 and parts.path in ("", "/")
        if value in ("", "console:") or (named and (parts.scheme, parts.query) in MAIL_PORTS):
            return value
    raise ValueError("it is smtp://user:password@host:port, with ?tls=1 for STARTTLS, or smtps://..., or console:")


def an_address(name: str, default: str) -> str:
    value = env.str(name, default)
    if not value.isprintable() or not re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(value)[1]):
        raise ValueError("it is an address such as hub@example.com, or Hub <hub@example.com>")
    return value


HUB_EMAIL_URL = read(a_mail_server, "HUB_EMAIL_URL", "")  # empty: mail is not set up, and pages say so
MAIL = urlsplit(HUB_EMAIL_URL)
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if MAIL.hostname else 'console'}.EmailBackend"
EMAIL_HOST, EMAIL_PORT = MAIL.hostname or "", MAIL.port or MAIL_PORTS.get((MAIL.scheme, MAIL.query))
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(MAIL.username or ""), unquote(MAIL.password or "")
EMAIL_USE_TLS, EMAIL_USE_SSL = MAIL.query == "tls=1", MAIL.scheme == "smtps"
EMAIL_TIMEOUT = 5  # seconds, for each step of talking to the server: a page waits for it
HUB_EMAIL_FROM = read(an_address, "HUB_EMAIL_FROM", f"hub@{urlsplit(HUB_PUBLIC_URL).hostname}")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = HUB_EMAIL_FROM

# --- what it may reach -----------------------------------------------------------------------------------------------

HUB_EGRESS_ALLOW = read(env.list, "HUB_EGRESS_ALLOW", [])  # exact host:port, for a desk's sandbox only
HUB_EGRESS_PORTS = read(partial(env.list, subcast=int), "HUB_EGRESS_PORTS", [443, 8443, 8088, 8089])


def a_share(name: str, default: float) -> float:
    value = env.float(name, default)
    if not 0 <= value <= 0.9:
        raise ValueError("it is a share from 0 to 0.9, such as 0.2")
    return value


def a_rate(name: str, default: str) -> tuple[int, float] | None:
    """Such as 50/1, at most 50 calls in a second; None where it is off."""
    value = env.str(name, default).strip()
    if value in ("", "off"):
        return None
    calls, _, seconds = value.partition("/")
    limit, per = int(calls), float(seconds)
    if not (1 <= limit <= 1_000_000 and 0.1 <= per <= 86_400):
        raise ValueError("it is calls/seconds, such as 50/1")
    return limit, per


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

SQLITE = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
}
POSTGRESQL = {
    "connect_timeout": 5,
    "tcp_user_timeout": 15000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "options": "-c statement_timeout=60s -c idle_in_transaction_session_timeout=60s -c lock_timeout=10s",
}


def database(url: str) -> dict:
    try:
        config = dj_database_url.parse(url)
    except (ValueError, dj_database_url.UnknownSchemeError) as error:
        raise ImproperlyConfigured(f"DATABASE_URL is wrong: {error}") from None
    if config["ENGINE"] == "django.db.backends.sqlite3":
        return config | {"OPTIONS": SQLITE}
    if config["ENGINE"] == "django.db.backends.postgresql":
        return config | {"OPTIONS": POSTGRESQL | config.get("OPTIONS", {}), "CONN_HEALTH_CHECKS": True}
    raise ImproperlyConfigured("DATABASE_URL is wrong: the hub runs on sqlite:/// and postgresql://")


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
        "OperationStateEnum": "hub.operations.models.Operation.State",
    },
}

HUB_LOG_LEVEL = read(env.str, "HUB_LOG_LEVEL", "INFO")
LOGGING_CONFIG = "hub.logs.configure"
LOGGING = {"level": HUB_LOG_LEVEL}
DEFAULT_EXCEPTION_REPORTER_FILTER = "hub.logs.ReporterFilter"
