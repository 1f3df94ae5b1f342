"""What `manage.py work` loads before it forks its pool."""

import subprocess
import sys

SHARED = """
import sys
import django; django.setup()
from hub.connections.connecting.connect_links import build_connect_link_url
from hub.incoming.endpoints.create import build_endpoint_url
import hub.management.commands.work
print(build_endpoint_url("slack", "k"), build_connect_link_url("t"), "hub.urls" in sys.modules)
"""


def test_a_worker_registers_webhooks_and_mails_links_without_loading_the_pages():
    """They would be 26 MB of the processes of each worker."""
    command = [sys.executable, "-c", SHARED]
    words = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert words[0].endswith("/hooks/slack/k/") and words[1].endswith("/connect/link/t/")
    assert words[2] == "False"
