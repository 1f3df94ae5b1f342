"""What granian serves: `granian --interface asgi hub.asgi:application`. Under a wrong key it does not start."""

import os

from django.core.wsgi import get_wsgi_application
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
django = get_wsgi_application()

from django.conf import settings  # noqa: E402

import hub.urls  # noqa: E402, F401 - all pages are loaded now, so that the first request does not wait for them
from hub import garbage  # noqa: E402 - Django has just made everything below ready
from hub.clock import clock  # noqa: E402
from hub.front import Front, Limits, raise_file_limit  # noqa: E402
from hub.secrets import check_keys  # noqa: E402
from hub.sweep import sweep_beside  # noqa: E402

check_keys()
connections.close_all()  # the threads that serve requests have their own
sweep_beside(clock)
limits = Limits(body=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
application = Front(django, behind_proxy=settings.HUB_BEHIND_TLS_PROXY, limits=limits)
raise_file_limit()
garbage.keep_what_is_there()
