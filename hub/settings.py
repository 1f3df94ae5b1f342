"""Settings, read from the environment (and var/hub.env); a wrong value fails at start, by name.

What no environment changes stands in hub/fixed.py.
"""

import os
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

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
from hub.fixed import *  # noqa: F403  (settings are looked for here)

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

# --- templates -------------------------------------------------------------------------------------------------------

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
HUB_PUMPS_TOTAL = read(env.int, "HUB_PUMPS_TOTAL", 1 if ON_SQLITE else 0)  # of the installation; 0: no limit
if HUB_PUMPS_TOTAL < 0 or (ON_SQLITE and HUB_PUMPS_TOTAL != 1):
    raise ImproperlyConfigured("HUB_PUMPS_TOTAL is wrong: at least 1, or 0 for no limit, and 1 on SQLite")
HUB_DISABLE_AFTER = timedelta(days=read(env.float, "HUB_DISABLE_AFTER", 5))  # of nothing but failures
if not timedelta() < HUB_DISABLE_AFTER:
    raise ImproperlyConfigured("HUB_DISABLE_AFTER is wrong: days, more than 0")
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

# --- people and pages ------------------------------------------------------------------------------------------------

MFA_TOTP_ISSUER = HUB_NAME
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
if HUB_BEHIND_TLS_PROXY := read(env.bool, "HUB_BEHIND_TLS_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

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

HUB_OPERATION_ROWS_PER_HOUR = read(env.int, "HUB_OPERATION_ROWS_PER_HOUR", 5000)  # of one person or key of a tenant
HUB_KEEP_BODIES_DAYS = read(env.int, "HUB_KEEP_BODIES_DAYS", 30)
HUB_KEEP_ROWS_DAYS = read(env.int, "HUB_KEEP_ROWS_DAYS", 90)
if HUB_OPERATION_ROWS_PER_HOUR < 1:
    raise ImproperlyConfigured("HUB_OPERATION_ROWS_PER_HOUR is wrong: at least 1")
if not 1 <= HUB_KEEP_BODIES_DAYS <= HUB_KEEP_ROWS_DAYS:
    raise ImproperlyConfigured("HUB_KEEP_BODIES_DAYS is wrong: at least 1, and not longer than HUB_KEEP_ROWS_DAYS")

HUB_EVENT_BYTES = 256 * 1024  # of one event
HUB_BATCH_EVENTS = 1000
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024  # of one request

HUB_LOG_LEVEL = read(env.str, "HUB_LOG_LEVEL", "INFO")
LOGGING_CONFIG = "hub.logs.configure"
LOGGING = {"level": HUB_LOG_LEVEL}
DEFAULT_EXCEPTION_REPORTER_FILTER = "hub.logs.ReporterFilter"
