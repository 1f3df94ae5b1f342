"""What granian serves: `granian --interface wsgi hub.wsgi:application`. Under a wrong key it does not start."""

import os

from django.core.wsgi import get_wsgi_application
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
django = get_wsgi_application()

from hub.frontdoor import FrontDoor  # noqa: E402 - it needs the settings
from hub.secrets import check_keys  # noqa: E402 - it has models, which Django has just made ready

check_keys()
connections.close_all()  # the threads that serve requests have their own
application = FrontDoor(django)
