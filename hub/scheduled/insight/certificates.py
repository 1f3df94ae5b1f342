"""The certificate of a reconciliation: the numbers of compared and equal records."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.translation import gettext as _

from hub.number_texts import format_whole
from hub.scheduled.insight.run_results import (
    RECORDS_DIGEST,
    describe_result,
    read_result,
)
from hub.scheduled.models import Discrepancy, Run
from hub.scheduled.reconciliation.declared_options import THEIR_RECORDS

CONTENT_TYPES = {"txt": "text/plain; charset=utf-8", "json": "application/json"}


def build_certificate(run: Run) -> dict[str, Any] | None:
    """Return the certificate of a reconciliation; None if the run has no such result.

    `digest` is the SHA-256 of the other entries as JSON with sorted keys and without spaces. It is
    the same in every language, as the statement is English.
    """
    result = read_result(run)
    if result is None:
        return None
    zone = ZoneInfo(run.tenant.time_zone)
    with translation.override("en"):
        statement = describe_result(result, zone)
    entries = {
        "statement": statement,
        "tenant": run.tenant.reference,
        "job": {"id": str(run.job.public_id), "name": run.job.name},
        "run": str(run.public_id),
        "connector": run.job.connector_key,
        "time_zone": zone.key,
        "slot_at": _format_time(run.slot_at),
        "started_at": _format_time(run.started_at),
        "finished_at": _format_time(run.finished_at),
        "compared_at": _format_time(result.compared_at),
        "read": result.read,
        "since": result.since or None,
        "is_complete": result.is_complete,
        "is_dry": run.is_dry,
        "records": {"local": result.local_records, "remote": result.remote_records},
        "compared": result.compared,
        "equal": result.equal,
        "verdicts": {
            verdict: result.verdicts.get(verdict, 0) for verdict in Discrepancy.Verdict.values
        },
        "records_digest": result.digest,
    }
    text = json.dumps(entries, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return {**entries, "digest": hashlib.sha256(text.encode()).hexdigest()}


def _format_time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def format_certificate(certificate: Mapping[str, Any], statement: str = "") -> str:
    """Return a certificate as text, with one entry per line.

    statement: in the reader's language; empty: the English one of the certificate.
    """
    lines = [
        (_("Organisation"), certificate["tenant"]),
        (_("Job"), f"{certificate['job']['name']} ({certificate['job']['id']})"),
        (_("Run"), certificate["run"]),
        (_("Other system"), certificate["connector"]),
        (_("Started"), certificate["started_at"]),
        (_("Compared"), certificate["compared_at"]),
        (_("Finished"), certificate["finished_at"]),
        (_("Read"), _describe_read(certificate)),
        (_("Our records"), format_whole(certificate["records"]["local"])),
        (str(THEIR_RECORDS), format_whole(certificate["records"]["remote"])),
        (_("Equal"), format_whole(certificate["equal"])),
        *(
            (str(Discrepancy.Verdict(verdict).label), format_whole(count))
            for verdict, count in certificate["verdicts"].items()
        ),
        (str(RECORDS_DIGEST), certificate["records_digest"] or "–"),
        (_("Digest of this certificate"), certificate["digest"]),
    ]
    width = max(len(label) for label, _value in lines) + 2
    rows = [f"{label:<{width}}{value or '–'}" for label, value in lines]
    heading = [_("Certificate of reconciliation"), statement or certificate["statement"]]
    return "\n".join([*heading, "", *rows, ""])


def _describe_read(certificate: Mapping[str, Any]) -> str:
    parts = [certificate["read"]]
    if certificate["since"]:
        parts.append(_("changed since %(time)s") % {"time": certificate["since"]})
    parts.append(_("complete") if certificate["is_complete"] else _("incomplete"))
    if certificate["is_dry"]:
        parts.append(_("nothing was changed"))
    return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class CertificateFile:
    """A certificate to download."""

    content: str
    content_type: str
    name: str


def build_certificate_file(run: Run, kind: str) -> CertificateFile | None:
    """Return the certificate as a file of a kind in CONTENT_TYPES; None without certificate."""
    certificate = build_certificate(run) if kind in CONTENT_TYPES else None
    if certificate is None:
        return None
    result = read_result(run)
    content = (
        format_certificate(certificate, describe_result(result, ZoneInfo(run.tenant.time_zone)))
        if kind == "txt" and result is not None
        else json.dumps(certificate, ensure_ascii=False, indent=2)
    )
    return CertificateFile(content, CONTENT_TYPES[kind], f"certificate-{run.public_id}.{kind}")
