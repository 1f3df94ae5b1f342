"""The steps of a connection test, as a checklist. Pure."""

from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from hub.connections.credentials.account_probe import ProbeResult
from hub.connections.credentials.provider_call import translate_detail
from hub.reason_codes import translate_text

PROBE_STEPS = (
    (gettext_noop("All required values are present"), {"incomplete"}),
    (gettext_noop("The address is allowed"), {"egress_refused"}),
    (gettext_noop("The quotas allow the call"), {"throttled", "busy"}),
    (
        gettext_noop("The other system can be reached"),
        {"dns_failed", "connect_failed", "tls_failed"},
    ),
    (
        gettext_noop("The response has the expected format"),
        {"timed_out", "connection_lost", "bad_answer", "unreadable", "unavailable"},
    ),
)
PROBLEMS_BY_REASON = {  # reason: problem of hub.connections.connecting.troubleshooting
    "incomplete": "incomplete",
    "egress_refused": "address_refused",
    "throttled": "throttled",
    "busy": "busy",
    "dns_failed": "unreachable",
    "connect_failed": "unreachable",
    "tls_failed": "certificate",
    "timed_out": "unavailable",
    "connection_lost": "unavailable",
    "unavailable": "unavailable",
    "bad_answer": "strange_answer",
    "unreadable": "strange_answer",
}
LAST_PROBE_STEP = gettext_noop("The credential is accepted")


class ProbeStep(NamedTuple):
    label: str
    state: str  # passed, failed or open
    detail: str = ""


def describe_failed_probe(probe_result: ProbeResult) -> str:
    """Describe the failure; the text of a response that is an HTML page is left out."""
    code = probe_result.reason.removeprefix("status_")
    return (
        _("it responded with status %(code)s") % {"code": code}
        if code != probe_result.reason
        else translate_detail(probe_result.reason, probe_result.detail)
    )


def list_probe_steps(probe_result: ProbeResult) -> list[ProbeStep]:
    """List the steps: passed, failed with the reason, or not tested."""
    labels = [
        translate_text(label)
        for label in (*(label for label, _reasons in PROBE_STEPS), LAST_PROBE_STEP)
    ]
    if probe_result.passed:
        return [ProbeStep(label, "passed") for label in labels]
    failed = next(
        (
            position
            for position, (_label, reasons) in enumerate(PROBE_STEPS)
            if probe_result.reason in reasons
        ),
        len(PROBE_STEPS),
    )
    return [
        *(ProbeStep(label, "passed") for label in labels[:failed]),
        ProbeStep(labels[failed], "failed", describe_failed_probe(probe_result)),
        *(ProbeStep(label, "open") for label in labels[failed + 1 :]),
    ]


def find_probe_problem(probe_result: ProbeResult) -> str:
    refused = probe_result.kind in ("reconnect", "refresh") or probe_result.reason in (
        "status_401",
        "status_403",
    )
    return PROBLEMS_BY_REASON.get(probe_result.reason) or (
        "credential_refused" if refused else "answered_no"
    )
