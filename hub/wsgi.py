"""What granian serves: `granian --interface wsgi hub.wsgi:application`. Under a wrong key it does not start."""

import os

from django.core.wsgi import get_wsgi_application
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
django = get_wsgi_application()

from hub import garbage  # noqa: E402 - Django has just made everything below ready
from hub.clock import clock  # noqa: E402
from hub.frontdoor import FrontDoor  # noqa: E402
from hub.secrets import check_keys  # noqa: E402
from hub.sweep import sweep_beside  # noqa: E402

check_keys()
connections.close_all()  # the threads that serve requests have their own
sweep_beside(clock)
application = FrontDoor(django)
garbage.keep_what_is_there()
