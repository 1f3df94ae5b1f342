#!/usr/bin/env python
"""The hub's command line."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
    if sys.argv[1:2] == ["bench"]:  # it uses databases and keys of its own, so no setting is needed
        from bench.installation import keys

        os.environ |= {**keys.fresh(), **os.environ}
    execute_from_command_line(sys.argv)
