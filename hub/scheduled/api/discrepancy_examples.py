"""OpenAPI examples of discrepancies, their repairs, and certificates."""

from hub.operations.openapi_examples import OPERATION
from hub.rest.openapi import EXAMPLE_ID, EXAMPLE_ORIGIN, EXAMPLE_TIME

DISCREPANCY = {
    "id": EXAMPLE_ID,
    "url": f"{EXAMPLE_ORIGIN}/api/v1/discrepancies/{EXAMPLE_ID}",
    "page_url": f"{EXAMPLE_ORIGIN}/open/discrepancies/{EXAMPLE_ID}",
    "tenant": "acme",
    "job": EXAMPLE_ID,
    "run": EXAMPLE_ID,
    "connector": "salesforce",
    "connection": EXAMPLE_ID,
    "record_key": "A-1001",
    "field": "status",
    "verdict": "differs",
    "sentence": "Both records exist, and this field has different values.",
    "state": "new",
    "reason": "",
    "detail": "",
    "owner": "ours",
    "local_id": "A-1001",
    "remote_id": "a015g00000AbCdE",
    "local_value": "shipped",
    "remote_value": "Paid",
    "local_changed_at": EXAMPLE_TIME,
    "remote_changed_at": EXAMPLE_TIME,
    "first_seen_at": EXAMPLE_TIME,
    "last_seen_at": EXAMPLE_TIME,
    "resolved_at": None,
    "ignored_reason": "",
    "repair_side": "",
    "repair_delivery": None,
    "replaced_value": None,
    "repaired_at": None,
}
IGNORED = DISCREPANCY | {"state": "ignored", "ignored_reason": "A test order."}
REPAIRING = DISCREPANCY | {
    "state": "repairing",
    "repair_side": "remote",
    "repair_delivery": EXAMPLE_ID,
    "replaced_value": "Paid",
}
REPAIR_PLAN = {
    "filter": {"job": EXAMPLE_ID, "verdict": "differs", "field": "status"},
    "tenant": "acme",
    "reason": "Our application is right.",
}
REPAIR = OPERATION | REPAIR_PLAN | {"kind": "repair"}
CERTIFICATE = {
    "statement": "10,000 of 10,000 equal at 02:14",
    "tenant": "acme",
    "job": {"id": EXAMPLE_ID, "name": "Orders with Salesforce"},
    "run": EXAMPLE_ID,
    "connector": "salesforce",
    "time_zone": "Europe/Berlin",
    "slot_at": "2026-11-25T01:00:00+00:00",
    "started_at": "2026-11-25T01:12:04+00:00",
    "finished_at": "2026-11-25T01:14:10+00:00",
    "compared_at": "2026-11-25T01:14:09+00:00",
    "read": "full",
    "since": None,
    "is_complete": True,
    "is_dry": False,
    "records": {"local": 10000, "remote": 10000},
    "compared": 10000,
    "equal": 10000,
    "verdicts": {
        "missing_here": 0,
        "missing_there": 0,
        "differs": 0,
        "ambiguous": 0,
        "unmapped": 0,
    },
    "records_digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "digest": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
}
