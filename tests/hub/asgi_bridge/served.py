"""A front without the hub behind it, for the web server of the Procfile."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")

from hub.asgi_bridge import AsgiBridge, Limits, raise_file_limit
from tests.hub.asgi_bridge.asgi_client import Echo

raise_file_limit()
application = AsgiBridge(Echo(), behind_proxy=False, limits=Limits(threads=4, body_seconds=3))
