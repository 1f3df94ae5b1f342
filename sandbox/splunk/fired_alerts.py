"""The management API, as far as it lists triggered alerts and the rows of their searches.

https://docs.splunk.com/Documentation/Splunk/latest/RESTREF/RESTsearch (2026-11):
alerts/fired_alerts and search/jobs/{search_id}/results. An alert is listed until it expires, and
its job is kept as long.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sandbox.splunk.accounts import HEC_TOKENS, SavedSearch
from sandbox.storage.account_store import AccountStore
from sandbox.storage.journal import JournaledDict
from sandbox.system import ApiRequest, ApiResponse

KEPT = 20_000  # alerts
LIST = re.compile(r"/services(?:NS/[^/]+/[^/]+)?/alerts/fired_alerts/-")
RESULTS = re.compile(r"/services(?:NS/[^/]+/[^/]+)?/search/(?:v2/)?jobs/(?P<sid>[^/]+)/results")
UNAUTHORIZED = {"messages": [{"type": "WARN", "text": "call not properly authenticated"}]}
UNKNOWN_SID = {"messages": [{"type": "FATAL", "text": "Unknown sid."}]}
DEFAULT_COUNT = 30


class FiredAlerts:
    def __init__(self, store: AccountStore, state: Path):
        self._store = store
        self._alerts = JournaledDict(state / "splunk-fired-alerts.jsonl", keep=KEPT)

    def add(self, search: SavedSearch, sid: str, row: Mapping[str, Any], at: float) -> None:
        self._alerts[sid] = {
            "stack": search.stack,
            "sid": sid,
            "savedsearch_name": search.name,
            "app": search.app,
            "owner": search.owner,
            "trigger_time": int(at),
            "expires_at": at + search.expires,
            "row": dict(row),
        }

    def answer(self, call: ApiRequest, stack: str, path: str) -> ApiResponse | None:
        """Answer a call of the management API; None for any other path."""
        results = RESULTS.fullmatch(path)
        if results is None and not LIST.fullmatch(path):
            return None
        token = call.credential("Bearer")
        tokens = {
            one.management_token for one in self._store[HEC_TOKENS].values() if one.stack == stack
        }
        if not token or token not in tokens:
            return ApiResponse(401, UNAUTHORIZED)
        alerts = [
            alert
            for alert in self._alerts.newest()
            if alert["stack"] == stack and alert["expires_at"] > call.at
        ]
        if results is None:
            return list_alerts(call, alerts)
        sid = unquote(results["sid"])
        rows = [alert["row"] for alert in alerts if alert["sid"] == sid]
        return ApiResponse(200, {"results": rows}) if rows else ApiResponse(404, UNKNOWN_SID)

    def close(self) -> None:
        self._alerts.close()


def list_alerts(call: ApiRequest, newest_first: list[dict[str, Any]]) -> ApiResponse:
    ordered = sorted(newest_first, key=lambda alert: alert["trigger_time"], reverse=True)
    count, offset = (
        int(call.query.get(name) or default)
        for name, default in (("count", DEFAULT_COUNT), ("offset", 0))
    )
    page = ordered[offset : offset + count] if count else ordered[offset:]
    entries = [
        {
            "name": alert["sid"],
            "acl": {"app": alert["app"], "owner": alert["owner"]},
            "content": {
                "sid": alert["sid"],
                "savedsearch_name": alert["savedsearch_name"],
                "trigger_time": alert["trigger_time"],
                "severity": 3,
                "actions": "webhook",
                "digest_mode": True,
            },
        }
        for alert in page
    ]
    paging = {"total": len(ordered), "perPage": count, "offset": offset}
    return ApiResponse(200, {"entry": entries, "paging": paging})
