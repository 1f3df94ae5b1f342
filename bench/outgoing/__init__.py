"""What `manage.py bench outgoing` measures: by name, in order."""

from bench.outgoing import drain

BENCHES = {"drain": drain}
