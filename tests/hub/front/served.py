"""A front without the hub behind it, for the web server of the Procfile."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")

from hub.front import Front, Limits, raise_file_limit
from tests.hub.front.asking import Echo

raise_file_limit()
application = Front(Echo(), behind_proxy=False, limits=Limits(threads=4, body_seconds=3))
