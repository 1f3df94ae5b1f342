"""OpenAPI examples of the coming night."""

from hub.rest.openapi import EXAMPLE_ID, EXAMPLE_TIME

NIGHT = {
    "starts_at": EXAMPLE_TIME,
    "ends_at": EXAMPLE_TIME,
    "run_count": 1,
    "late_count": 0,
    "unknown_count": 0,
    "complete": True,
    "calls": {"salesforce": [40.0, 32.0]},
    "quotas": [
        {
            "connector": "salesforce",
            "quota": "account",
            "limit": "100,000 calls in a day",
            "background_share": 0.8,
            "accounts": 1,
            "units": 72,
            "busiest_minute": 40,
            "units_per_minute": None,
            "units_left": 79210.0,
            "busiest_share": 0.001,
        }
    ],
    "runs": [
        {
            "job": EXAMPLE_ID,
            "tenant": "acme",
            "run": None,
            "slot_at": EXAMPLE_TIME,
            "starts_at": EXAMPLE_TIME,
            "ends_at": EXAMPLE_TIME,
            "deadline_at": EXAMPLE_TIME,
            "calls": {"salesforce": 72},
            "known": True,
            "late": False,
            "reason": "",
        }
    ],
}
