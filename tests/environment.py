"""The environment of the tests, set before Django reads it (`-p tests.environment`); the desk's own
files stay out.
"""

import os

os.environ |= {
    "HUB_ENV_FILE": os.devnull,
    "HUB_SECRET_KEY": "for tests only",
    "HUB_FIELD_KEYS": "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk=,b2xkZXItdGVzdHMtb2xkZXItdGVzd"
    "HMtb2xkZXIhISE=",
    "HUB_PUBLIC_URL": "https://hub.test",
    "HUB_ALLOWED_HOSTS": "hub.test,testserver",
    "HUB_ENVIRONMENT": "test",
    "HUB_DEBUG": "false",
    "HUB_EGRESS_ALLOW": "",
    "HUB_EMAIL_URL": "smtp://127.0.0.1:9",  # set up; Django's tests keep the mails instead
}
os.environ.setdefault("DATABASE_URL", "sqlite:////tmp/hub-tests.sqlite3")
