"""Template context for the result of a form that connects an account."""

from typing import Any

from django.conf import settings

from connectors.base import Connector
from hub.connections.connecting.form_results import ConnectionRefused, ConnectionTestFailed
from hub.connections.connecting.troubleshooting import explain_problem
from hub.connections.credentials import probe_checklist


def describe_failed_test(result: ConnectionTestFailed, connector: Connector) -> dict[str, Any]:
    """Return the steps of the test, and the problem with cause and advice."""
    return {
        "checks": probe_checklist.list_probe_steps(result.probe_result),
        "problem": explain_problem(
            probe_checklist.find_probe_problem(result.probe_result),
            connector,
            hub=settings.HUB_NAME,
            detail=probe_checklist.describe_failed_probe(result.probe_result),
        ),
    }


def list_checks(result: ConnectionRefused) -> dict[str, Any]:
    """Return the steps of the test that preceded the refusal."""
    if result.probe_result is None:
        return {}
    return {"checks": probe_checklist.list_probe_steps(result.probe_result)}
