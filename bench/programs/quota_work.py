"""`python -m bench.programs.quota_work`: `manage.py work` with the connectors of the benches."""

import django
from django.core.management import call_command

django.setup()

from bench import quota_connectors  # noqa: E402  (Django is ready by now)

if __name__ == "__main__":
    quota_connectors.install()
    call_command("work")
