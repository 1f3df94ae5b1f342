"""Settings, read from the environment (and var/hub.env); a wrong value fails at start, by name.

Settings that are the same in every environment are in hub/conf/base.py.
"""

import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from hub.conf.base import *  # noqa: F403  (settings are looked for here)
from hub.conf.environment import (
    MAIL_PORTS,
    parse_colour,
    parse_database_url,
    parse_limits,
    parse_logo_path,
    parse_mail_address,
    parse_mail_server,
    parse_rate,
    read_encryption_keys,
    read_required,
    read_setting,
)
from hub.conf.middleware import *  # noqa: F403
from hub.conf.parsers import (
    choice_parser,
    env,
    number_parser,
    parse_boolean,
    parse_host_names,
    parse_hosts_and_ports,
    parse_line_of_text,
    parse_origins,
    parse_ports,
    parse_public_url,
    whole_number_parser,
)

BASE_DIR = Path(__file__).resolve().parent.parent

env_file = Path(env.str("HUB_ENV_FILE", str(BASE_DIR / "var" / "hub.env")))
if env_file.is_file():
    env.read_env(str(env_file), recurse=False)


# --- this installation ----------------------------------------------------------------------------

DEBUG = read_setting(parse_boolean, "HUB_DEBUG", False)
SECRET_KEY = read_required("HUB_SECRET_KEY", "a long random text that signs sessions")
HUB_FIELD_KEYS = read_encryption_keys("HUB_FIELD_KEYS", "the keys that seal secrets, newest first")
FIELD_ENCRYPTION_KEY = HUB_FIELD_KEYS  # the name that django-encrypted-model-fields reads

HUB_PUBLIC_URL = read_setting(parse_public_url, "HUB_PUBLIC_URL", "http://127.0.0.1:8000")
HUB_NAME = read_setting(parse_line_of_text, "HUB_NAME", "Integration Hub")
HUB_LOGO = read_setting(parse_logo_path, "HUB_LOGO", "")  # shown to customers, beside the name
HUB_COLOUR = read_setting(parse_colour, "HUB_COLOUR", "#0b6459")
HUB_ENVIRONMENT = read_setting(
    choice_parser(("live", "test"), ", and API keys carry it"), "HUB_ENVIRONMENT", "live"
)
ALLOWED_HOSTS = read_setting(
    parse_host_names, "HUB_ALLOWED_HOSTS", [str(urlsplit(HUB_PUBLIC_URL).hostname)]
)
if DEBUG and not set(ALLOWED_HOSTS) <= {"127.0.0.1", "localhost", "[::1]", "testserver"}:
    raise ImproperlyConfigured(
        "HUB_DEBUG is wrong: it is for local installations, but HUB_ALLOWED_HOSTS names other hosts"
    )

# --- mail -----------------------------------------------------------------------------------------

# empty: mail is not set up, and pages say so
HUB_EMAIL_URL = read_setting(parse_mail_server, "HUB_EMAIL_URL", "")
MAIL = urlsplit(HUB_EMAIL_URL)
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if MAIL.hostname else 'console'}.EmailBackend"
EMAIL_HOST, EMAIL_PORT = MAIL.hostname or "", MAIL.port or MAIL_PORTS.get((MAIL.scheme, MAIL.query))
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(MAIL.username or ""), unquote(MAIL.password or "")
EMAIL_USE_TLS, EMAIL_USE_SSL = MAIL.query == "tls=1", MAIL.scheme == "smtps"
EMAIL_TIMEOUT = 5  # seconds, for each step of talking to the server: a worker waits for it
HUB_EMAIL_FROM = read_setting(
    parse_mail_address, "HUB_EMAIL_FROM", f"hub@{urlsplit(HUB_PUBLIC_URL).hostname}"
)
DEFAULT_FROM_EMAIL = SERVER_EMAIL = HUB_EMAIL_FROM

# --- allowed return URLs --------------------------------------------------------------------------

# of our own application, for portal links
HUB_PORTAL_RETURN_URLS = read_setting(parse_origins, "HUB_PORTAL_RETURN_URLS", [])

# --- outgoing network -----------------------------------------------------------------------------

# exact host:port, for a developer's sandbox only
HUB_EGRESS_ALLOW = read_setting(parse_hosts_and_ports, "HUB_EGRESS_ALLOW", [])
HUB_EGRESS_PORTS = read_setting(parse_ports, "HUB_EGRESS_PORTS", [443, 8443, 8088, 8089])

# to any one host, over all connectors and tenants
HUB_HOST_RATE = read_setting(parse_rate, "HUB_HOST_RATE", "off")
# from our own outgoing address
HUB_ADDRESS_RATE = read_setting(parse_rate, "HUB_ADDRESS_RATE", "off")

# --- templates ------------------------------------------------------------------------------------

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

# --- the database ---------------------------------------------------------------------------------

DATABASES = {
    "default": parse_database_url(
        read_setting(env.str, "DATABASE_URL", f"sqlite:///{BASE_DIR / 'var' / 'hub.sqlite3'}")
    )
}
DATABASES["default"]["CONN_MAX_AGE"] = 60
ON_SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")

# --- the queue of wake-ups, see docs/architecture.md ----------------------------------------------

HUB_PUMPS = read_setting(
    whole_number_parser(1, 64), "HUB_PUMPS", 1 if ON_SQLITE else max(1, os.cpu_count() or 1)
)
if ON_SQLITE and HUB_PUMPS > 1:
    raise ImproperlyConfigured(
        "HUB_PUMPS is wrong: it is 1 on SQLite, which has one writer at a time"
    )
# of the installation; 0: no limit
HUB_PUMPS_TOTAL = read_setting(
    whole_number_parser(0, 1_000), "HUB_PUMPS_TOTAL", 1 if ON_SQLITE else 0
)
if ON_SQLITE and HUB_PUMPS_TOTAL != 1:
    raise ImproperlyConfigured(
        "HUB_PUMPS_TOTAL is wrong: it is 1 on SQLite, which has one writer at a time"
    )
# of nothing but failures
HUB_DISABLE_AFTER = timedelta(
    days=read_setting(number_parser(0.001, 3_650, "days"), "HUB_DISABLE_AFTER", 5)
)
HUB_QUICK_SLOTS = read_setting(whole_number_parser(1, 64), "HUB_QUICK_SLOTS", 1 if ON_SQLITE else 2)
# one of several is kept free of run loops, see hub/scheduled/runs/loop_count.py
HUB_LONG_SLOTS = read_setting(whole_number_parser(1, 64), "HUB_LONG_SLOTS", 1 if ON_SQLITE else 2)
HUB_SLOTS = {  # of each class of background work, in one worker: see hub/queue/work_classes.py
    "delivery": HUB_PUMPS,
    "quick": HUB_QUICK_SLOTS,
    "inbox": 1,
    "long": HUB_LONG_SLOTS,
}
Q_CLUSTER = {
    "name": "hub",  # the salt of its signatures: never changed
    "orm": "default",
    "broker_class": "hub.queue.WakeUpBroker",
    "workers": sum(HUB_SLOTS.values()),
    "queue_limit": sum(HUB_SLOTS.values()),
    "bulk": 1,
    "timeout": 90,  # must never fire: each task ends itself by 60 s
    "retry": 300,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": -1,
    "catch_up": False,
    "recycle": 500,
    "max_rss": 250_000,
    "poll": 0.2,  # seconds between looks for a wake-up: a refresh waits for the next one
    "cache": "queue",
    "scheduler": False,
}

# --- sign-in and pages ----------------------------------------------------------------------------

MFA_TOTP_ISSUER = HUB_NAME
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
LOCALE_PATHS = [BASE_DIR / "locale"]
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"}}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

SECURE = urlsplit(HUB_PUBLIC_URL).scheme == "https"
SESSION_ENGINE = "hub.crypto.sessions"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [HUB_PUBLIC_URL]
CSRF_FAILURE_VIEW = "hub.problems.csrf_failure"
SECURE_HSTS_SECONDS = 31536000 if SECURE else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if HUB_BEHIND_TLS_PROXY := read_setting(parse_boolean, "HUB_BEHIND_TLS_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

UNFOLD = {
    "SITE_TITLE": HUB_NAME,
    "SITE_HEADER": HUB_NAME,
    "SITE_ICON": "/static/console/logo.svg",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "/static/console/logo.svg"}],
    "SHOW_BACK_BUTTON": True,
    "ENVIRONMENT": "hub.console.navigation.build_environment_badge",
    "DASHBOARD_CALLBACK": "hub.console.views.build_dashboard",
    "STYLES": [
        "/static/portal/palette.css",
        "/static/console/palette.css",
        "/static/console/console.css",
    ],
    "SCRIPTS": ["/static/console/console.js"],
    "SITE_URL": "",
    "ACCOUNT": {"navigation": "hub.console.navigation.list_account_links"},
    "SIDEBAR": {
        "navigation": "hub.console.navigation.build_sidebar",
        "show_search": True,
        "command_search": True,
    },
    "COMMAND": {"search_callback": "hub.console.search.search_all"},
}

# --- operations on many rows ----------------------------------------------------------------------

ROWS, DAYS = whole_number_parser(1, 1_000_000_000), whole_number_parser(1, 36_500)
# of one person or key of a tenant
HUB_OPERATION_ROWS_PER_HOUR = read_setting(ROWS, "HUB_OPERATION_ROWS_PER_HOUR", 5000)
HUB_KEEP_BODIES_DAYS = read_setting(DAYS, "HUB_KEEP_BODIES_DAYS", 30)
HUB_KEEP_ROWS_DAYS = read_setting(DAYS, "HUB_KEEP_ROWS_DAYS", 90)
# of log lines that could not be shipped: older ones are dropped
HUB_KEEP_LOG_DAYS = read_setting(DAYS, "HUB_KEEP_LOG_DAYS", 7)
if HUB_KEEP_BODIES_DAYS > HUB_KEEP_ROWS_DAYS:
    raise ImproperlyConfigured(
        "HUB_KEEP_BODIES_DAYS is wrong: it is not longer than HUB_KEEP_ROWS_DAYS"
    )

# of each tenant, where staff set no others: see hub/limits/definitions.py
HUB_LIMITS = read_setting(parse_limits, "HUB_LIMITS", "")

HUB_EVENT_BYTES = 256 * 1024  # of one event
HUB_BATCH_EVENTS = 1000
HUB_ACTION_WAIT_SECONDS = 10.0  # for the result of an action that is requested by REST
# between two checks of our webhooks at a system; 0: as its connector states
HUB_SUBSCRIPTION_CHECK_SECONDS = read_setting(
    whole_number_parser(0, 86_400), "HUB_SUBSCRIPTION_CHECK_SECONDS", 0
)
# after a longer outage a person starts the reads of what was missed
HUB_GAP_CONFIRM_HOURS = read_setting(whole_number_parser(1, 8_760), "HUB_GAP_CONFIRM_HOURS", 24)
# received webhooks that may wait; further ones get 503, and their systems try again
HUB_INBOX_BACKLOG = read_setting(whole_number_parser(1, 10_000_000), "HUB_INBOX_BACKLOG", 100_000)
# that one loop executes side by side
HUB_RUNS_AT_ONCE = read_setting(whole_number_parser(1, 1_000), "HUB_RUNS_AT_ONCE", 25)
# of one run, in flight at the same time
HUB_RUN_CALLS = read_setting(whole_number_parser(1, 100), "HUB_RUN_CALLS", 4)
# of all runs of one concurrency group, in flight at the same time
HUB_GROUP_CALLS = read_setting(whole_number_parser(1, 1_000), "HUB_GROUP_CALLS", 16)
# of all runs to our own application, in flight at the same time
HUB_APP_CALLS = read_setting(whole_number_parser(1, 1_000), "HUB_APP_CALLS", 8)
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024  # of one request

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
HUB_LOG_LEVEL = read_setting(choice_parser(LOG_LEVELS), "HUB_LOG_LEVEL", "INFO")
LOGGING_CONFIG = "hub.logs.configure"
LOGGING = {"level": HUB_LOG_LEVEL}
DEFAULT_EXCEPTION_REPORTER_FILTER = "hub.logs.ReporterFilter"
