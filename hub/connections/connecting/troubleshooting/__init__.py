"""What a person is told when connecting goes wrong: the cause, who can mend it, and what to send to them."""

from hub.connections.connecting.troubleshooting.explanation import (
    PROBLEMS,
    RESPONSIBLE_TEXTS,
    Troubleshooting,
    explain_problem,
)

__all__ = ["PROBLEMS", "RESPONSIBLE_TEXTS", "Troubleshooting", "explain_problem"]
