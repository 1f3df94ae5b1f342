"""OpenAPI examples of jobs, slots and runs."""

from hub.rest.openapi import EXAMPLE_ID, EXAMPLE_ORIGIN, EXAMPLE_TIME

REPORT_OPTIONS = {
    "period": "last_week",
    "title": "Sales of last week",
    "message": {"connector": "slack", "channel": "C024BE91L"},
}
JOB_INPUT = {
    "tenant": "acme",
    "kind": "report",
    "name": "Sales of the week",
    "connector": "salesforce",
    "cron": "0 9 * * mon",
    "options": REPORT_OPTIONS,
}
JOB = {
    "id": EXAMPLE_ID,
    "url": f"{EXAMPLE_ORIGIN}/api/v1/jobs/{EXAMPLE_ID}",
    "name": "Sales of the week",
    "kind": "report",
    "tenant": "acme",
    "connector": "salesforce",
    "connection": None,
    "cron": "0 9 * * mon",
    "window_minutes": 15,
    "deadline_minutes": 135,
    "concurrency_group": "",
    "options": REPORT_OPTIONS,
    "enabled": True,
    "catch_up": "run_late",
    "priority": 0,
    "created_at": EXAMPLE_TIME,
    "updated_at": EXAMPLE_TIME,
}
SLOTS = {
    "tenant": "acme",
    "time_zone": "Europe/Berlin",
    "slots": ["2026-10-19T09:00:00+02:00", "2026-10-26T09:00:00+01:00"],
    "complete": True,
}
RUN = {
    "id": EXAMPLE_ID,
    "url": f"{EXAMPLE_ORIGIN}/api/v1/runs/{EXAMPLE_ID}",
    "job": {"id": EXAMPLE_ID, "name": "Orders"},
    "kind": "reconcile",
    "tenant": "acme",
    "slot_at": EXAMPLE_TIME,
    "state": "running",
    "reason": "",
    "sentence": "",
    "action": "",
    "detail": "",
    "dry": False,
    "due_at": EXAMPLE_TIME,
    "window_ends_at": "2026-11-25T16:00:00Z",
    "deadline_at": "2026-11-25T18:00:00Z",
    "late": False,
    "cancel_requested_at": None,
    "attempts": 1,
    "progress": {"done": 4000, "expected": 20000, "rate": 500.0, "seconds_left": 32},
    "calls": {"salesforce|calls||": 2, "salesforce|account|00D5g000001|": 2},
    "result": {},
    "started_at": EXAMPLE_TIME,
    "finished_at": None,
    "created_at": EXAMPLE_TIME,
}
REQUESTED_RUN = RUN | {
    "slot_at": None,
    "state": "waiting",
    "attempts": 0,
    "progress": {"done": 0, "expected": None, "rate": None, "seconds_left": None},
    "calls": {},
    "started_at": None,
}
CANCELLED_RUN = RUN | {"cancel_requested_at": EXAMPLE_TIME}
RESUMED_RUN = REQUESTED_RUN | {"slot_at": EXAMPLE_TIME}
LOG_ENTRY = {
    "at": EXAMPLE_TIME,
    "level": "warning",
    "kind": "repeated_later",
    "parameters": {"reason": "unavailable", "detail": "", "at": "2026-11-25T12:00:30+00:00"},
}
