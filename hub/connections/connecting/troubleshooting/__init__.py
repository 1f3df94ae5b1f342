"""Troubleshooting of connecting: the cause, who can fix it, and a text to send to them."""

from hub.connections.connecting.troubleshooting.explanation import (
    PROBLEMS,
    RESPONSIBLE_TEXTS,
    Troubleshooting,
    explain_problem,
)

__all__ = ["PROBLEMS", "RESPONSIBLE_TEXTS", "Troubleshooting", "explain_problem"]
