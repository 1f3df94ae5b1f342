"""A setting that is malformed stops the start, by its name and with what it expects, and its value
is not repeated.
"""

import re
import runpy
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parents[2]
TABLE = re.compile(r"^\| `((?:HUB_|DATABASE_)[A-Z_]+)` \|", re.MULTILINE)
A_FIELD_KEY = "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk="
POSTGRESQL = {"DATABASE_URL": "postgresql://hub:pass@db/hub"}

NUMBERS = ("many", "", "1.5", "-1", "99999999999999999999")
RATES = ("often", "50", "50/", "0/1", "50/0", "1/nan", "x/1")
SWITCHES = ("maybe", "2", "")
MALFORMED = {  # by setting: what it expects, and values that are not so
    "HUB_SECRET_KEY": ("a long random text", ("",)),
    "HUB_FIELD_KEYS": ("32 bytes in url-safe base64", ("short", f"{A_FIELD_KEY},short")),
    "DATABASE_URL": (
        "postgresql://user:password@host/name",
        (
            "",
            "hub.sqlite3",
            "mysql://a/b",
            "postgresql://",
            "postgresql://u:se/cret@db/hub",
            "postgresql://u:p@db:x/hub",
        ),
    ),
    "HUB_PUBLIC_URL": (
        "https://hub.example.com",
        (
            "hub.example.com",
            "ftp://hub.test",
            "https://",
            "https://[",
            "https://h:x",
            "https://u:p@h",
            "https://h/path",
            "https://h?x",
            "https://h i",
            "javascript:alert(1)",
        ),
    ),
    "HUB_ALLOWED_HOSTS": (
        "host names such as",
        ("https://hub.test", "hub.test:8000", "a b", "hub.test/x", ","),
    ),
    "HUB_BEHIND_TLS_PROXY": ("true or false", SWITCHES),
    "HUB_DEBUG": ("true or false", SWITCHES),
    "HUB_NAME": ("one line of text", ("", " ", "Our\nHub", "x" * 101)),
    "HUB_LOGO": (".svg or .png", ("/nowhere.svg", __file__)),
    "HUB_COLOUR": ("such as #0b6459", ("green", "#fff", "")),
    "HUB_ENVIRONMENT": ("live or test", ("prod", "", "LIVE")),
    "HUB_EMAIL_URL": (
        "smtp://user:password@host:port",
        ("mail.test:25", "http://mail.test", "smtp://"),
    ),
    "HUB_EMAIL_FROM": ("hub@example.com", ("hub", "a@b@c", "")),
    "HUB_PORTAL_RETURN_URLS": (
        "https://app.example.com, without a path",
        ("app.example.com", "https://a/b", "https://[", "https://u@a"),
    ),
    "HUB_DISABLE_AFTER": ("number of days", ("soon", "0", "-1", "nan", "inf", "1e99")),
    "HUB_PUMPS": ("whole number", (*NUMBERS, "0")),
    "HUB_QUICK_SLOTS": ("whole number", (*NUMBERS, "0")),
    "HUB_LONG_SLOTS": ("whole number", (*NUMBERS, "0")),
    "HUB_RUNS_AT_ONCE": ("whole number", (*NUMBERS, "0")),
    "HUB_RUN_CALLS": ("whole number", (*NUMBERS, "0")),
    "HUB_GROUP_CALLS": ("whole number", (*NUMBERS, "0")),
    "HUB_APP_CALLS": ("whole number", (*NUMBERS, "0")),
    "HUB_INBOX_BACKLOG": ("whole number", (*NUMBERS, "0")),
    "HUB_SUBSCRIPTION_CHECK_SECONDS": ("whole number", NUMBERS),
    "HUB_GAP_CONFIRM_HOURS": ("whole number", (*NUMBERS, "0")),
    "HUB_PUMPS_TOTAL": ("whole number", NUMBERS),
    "HUB_HOST_RATE": ("calls/seconds", RATES),
    "HUB_ADDRESS_RATE": ("calls/seconds", RATES),
    "HUB_EGRESS_ALLOW": (
        "host:port",
        ("127.0.0.1", "http://127.0.0.1:80", "127.0.0.1:x", "127.0.0.1:99999", ":80"),
    ),
    "HUB_EGRESS_PORTS": ("ports from 1", ("https", "0", "443,70000", "", "443;8443")),
    "HUB_OPERATION_ROWS_PER_HOUR": ("whole number", (*NUMBERS, "0")),
    "HUB_LIMITS": (
        "such as events=60000",
        ("events", "events=x", "events=0", "events=-1", "events=1e3", "no"),
    ),
    "HUB_KEEP_BODIES_DAYS": ("whole number", (*NUMBERS, "0")),
    "HUB_KEEP_LOG_DAYS": ("whole number", (*NUMBERS, "0")),
    "HUB_KEEP_ROWS_DAYS": ("whole number", (*NUMBERS, "0")),
    "HUB_LOG_LEVEL": ("DEBUG, INFO", ("LOUD", "info", "")),
}
ELSEWHERE = {  # a file that may be absent, or what only programs of a desk read
    "HUB_ENV_FILE",
    "HUB_FAILPOINTS",
    "HUB_VENV",
    "HUB_DEMO",
    "HUB_APP_WEBHOOK_SECRET",
    "HUB_SANDBOX_SMTP_PORT",
    "HUB_SANDBOX_PORT",
    "HUB_PORT",
    "HUB_SANDBOX_STATE",
    "HUB_SANDBOX_WORLD",
}


def settings_of(monkeypatch, environment):
    """The settings file as it is read with such an environment; Django's own settings stay what
    they are.
    """
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(ROOT / "hub" / "settings.py"))


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, (_expects, values) in MALFORMED.items() for value in values],
)
def test_a_malformed_setting_is_named_with_what_it_expects(monkeypatch, name, value):
    with pytest.raises(ImproperlyConfigured) as refused:
        settings_of(monkeypatch, (POSTGRESQL if name != "DATABASE_URL" else {}) | {name: value})
    message = str(refused.value)
    assert message.startswith((f"{name} is wrong: ", f"{name} is not set: "))
    assert MALFORMED[name][0] in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://hub:hid/den@db:5432/hub"),
        ("DATABASE_URL", "postgresql://hub:hidden@db:x/hub"),
        ("HUB_EMAIL_URL", "smtp://me:hid/den@mail.test"),
        ("HUB_FIELD_KEYS", "hidden"),
        ("HUB_PUBLIC_URL", "https://me:hidden@hub.test"),
    ],
)
def test_no_error_repeats_a_password(monkeypatch, name, value):
    with pytest.raises(ImproperlyConfigured, match=f"{name} is wrong") as refused:
        settings_of(monkeypatch, {name: value})
    assert not any(part in str(refused.value) for part in ("hid", "den"))
    assert refused.value.__suppress_context__


def test_every_setting_of_the_docs_is_tried():
    documented = set(TABLE.findall((ROOT / "docs" / "operators.md").read_text()))
    assert documented - MALFORMED.keys() - ELSEWHERE == set()


WELL = {
    "HUB_PUBLIC_URL": ("https://hub.example.com:8443/", "https://hub.example.com:8443"),
    "HUB_ALLOWED_HOSTS": (
        "hub.example.com,.example.org,[::1]",
        ["hub.example.com", ".example.org", "[::1]"],
    ),
    "HUB_PORTAL_RETURN_URLS": (
        "https://app.example.com,http://127.0.0.1:8100,http://[::1]:8100",
        None,
    ),
    "HUB_EGRESS_ALLOW": ("127.0.0.1:8100,sandbox_1:8125", ["127.0.0.1:8100", "sandbox_1:8125"]),
    "HUB_EGRESS_PORTS": ("443,8443", [443, 8443]),
    "HUB_HOST_RATE": ("50/0.5", (50, 0.5)),
    "HUB_PUMPS": ("4", 4),
    "HUB_QUICK_SLOTS": ("3", 3),
    "HUB_LONG_SLOTS": ("3", 3),
    "HUB_RUNS_AT_ONCE": ("50", 50),
    "HUB_RUN_CALLS": ("2", 2),
    "HUB_GROUP_CALLS": ("8", 8),
    "HUB_APP_CALLS": ("4", 4),
    "HUB_INBOX_BACKLOG": ("5000", 5000),
    "HUB_SUBSCRIPTION_CHECK_SECONDS": ("60", 60),
    "HUB_GAP_CONFIRM_HOURS": ("48", 48),
    "HUB_LIMITS": ("events=5, bytes=7", {"events": 5, "bytes": 7}),
    "HUB_LOG_LEVEL": ("DEBUG", "DEBUG"),
    "HUB_DISABLE_AFTER": ("0.5", None),
}


@pytest.mark.parametrize("name", WELL)
def test_valid_values_are_read(monkeypatch, name):
    text, value = WELL[name]
    read = settings_of(monkeypatch, POSTGRESQL | {name: text})
    assert value is None or read[name if name != "HUB_ALLOWED_HOSTS" else "ALLOWED_HOSTS"] == value


@pytest.mark.parametrize(("name", "value"), [("HUB_PUMPS", "2"), ("HUB_PUMPS_TOTAL", "0")])
def test_sqlite_has_one_writer(monkeypatch, name, value):
    with pytest.raises(ImproperlyConfigured, match=f"{name} is wrong: it is 1 on SQLite"):
        settings_of(monkeypatch, {"DATABASE_URL": "sqlite:////tmp/x.sqlite3", name: value})


def test_bodies_are_not_kept_longer_than_their_rows(monkeypatch):
    with pytest.raises(ImproperlyConfigured, match="HUB_KEEP_BODIES_DAYS is wrong"):
        settings_of(monkeypatch, {"HUB_KEEP_BODIES_DAYS": "31", "HUB_KEEP_ROWS_DAYS": "30"})


def test_a_desk_answers_to_no_other_hosts(monkeypatch):
    with pytest.raises(ImproperlyConfigured, match="HUB_DEBUG is wrong"):
        settings_of(monkeypatch, {"HUB_DEBUG": "true", "HUB_ALLOWED_HOSTS": "hub.example.com"})
