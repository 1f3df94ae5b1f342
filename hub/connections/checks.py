"""A test of a connection, step by step. Pure."""

from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from hub.connections.probe import Finding
from hub.words import said

STEPS = (
    (gettext_noop("Everything that is needed is filled in"), {"incomplete"}),
    (gettext_noop("The address may be called"), {"egress_refused"}),
    (gettext_noop("The quotas have room for the call"), {"throttled", "busy"}),
    (gettext_noop("The other system can be reached"), {"dns_failed", "connect_failed", "tls_failed"}),
    (
        gettext_noop("It answers in its own language"),
        {"timed_out", "connection_lost", "bad_answer", "unreadable", "unavailable"},
    ),
)
ALIKE = {  # what a test finds, as a problem of hub.connections.advice
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
LAST_STEP = gettext_noop("It accepts the credential")


class Step(NamedTuple):
    label: str
    state: str  # passed, failed or open
    detail: str = ""


def told(finding: Finding) -> str:
    """What went wrong, in words; a page that came instead of an answer is not repeated."""
    code = finding.reason.removeprefix("status_")
    return _("it answered with status %(code)s") % {"code": code} if code != finding.reason else finding.detail


def steps(finding: Finding) -> list[Step]:
    """What passed, what failed and why, and what was not looked at."""
    labels = [said(label) for label in (*(label for label, _reasons in STEPS), LAST_STEP)]
    if finding.lives:
        return [Step(label, "passed") for label in labels]
    failed = next((place for place, (_label, reasons) in enumerate(STEPS) if finding.reason in reasons), len(STEPS))
    return [
        *(Step(label, "passed") for label in labels[:failed]),
        Step(labels[failed], "failed", told(finding)),
        *(Step(label, "open") for label in labels[failed + 1 :]),
    ]


def problem_of(finding: Finding) -> str:
    refused = finding.kind in ("reconnect", "refresh") or finding.reason in ("status_401", "status_403")
    return ALIKE.get(finding.reason) or ("credential_refused" if refused else "answered_no")
