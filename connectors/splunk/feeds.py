"""Alerts that no webhook told of, read from the triggered alerts of Splunk's management API.

https://docs.splunk.com/Documentation/Splunk/latest/RESTREF/RESTsearch (2026-11; unverified against
a live system): alerts/fired_alerts/- lists the alerts with the action *Add to Triggered Alerts*,
until each expires, by default after 24 hours; search/jobs/<sid>/results has the rows of the search.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from connectors.http import KIBIBYTE, Request, Response, dump_json
from connectors.i18n import _
from connectors.outcomes import Outcome, outcome_of_status, permission_missing, raises_unreadable
from connectors.roles import Collection, Page
from connectors.schema import Credential
from connectors.splunk.errors import CONNECTION
from connectors.splunk.webhook_types import ALERT_CREATED
from connectors.webhook_sources import Feed, RecordChange

PAGE_SIZE = 100
ALERTS_KEPT_FOR = timedelta(hours=24)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOT_FOUND, NO_CONTENT, REFUSED = 404, 204, (401, 403)
PAGES_MAX = 1000  # of one read: a call for each alert
FEEDS = (
    Feed(
        "alert",
        "fired_alerts",
        {},
        kept_for=ALERTS_KEPT_FOR,
        has_end=True,
        pages_max=PAGES_MAX,
        setting="management_url",
    ),
)


@dataclass(frozen=True, slots=True)
class ReadState:
    """Where a read is: at an offset of the list, newest first, or in the alerts of its page.

    Of each alert that is left the first row of its search is read. `offset` is -1 at the end.
    """

    offset: int = 0
    alerts: Sequence[Mapping[str, str]] = ()

    @classmethod
    def parse(cls, cursor: str) -> "ReadState":
        """Parse a cursor; the start for an empty one. Raises ValueError."""
        try:
            return cls(*json.loads(cursor)) if cursor else cls()
        except TypeError as error:
            raise ValueError("the cursor is not a position among alerts") from error

    def to_cursor(self) -> str:
        """Return the cursor of the next page; "" if nothing is left."""
        return json.dumps(astuple(self)) if self.alerts or self.offset >= 0 else ""


class FiredAlerts(Collection):
    key = "fired_alerts"
    label = _("Triggered alerts")
    page_size = PAGE_SIZE
    reads_changes = True
    empty_pages_max = PAGES_MAX  # a page of the list has no records

    def page_request(
        self, credential: Credential, *, at: datetime, cursor: str = "", **query: str
    ) -> Request:
        """Build the request for a page. Raises ValueError for an invalid cursor."""
        state = ReadState.parse(cursor)
        if state.alerts:
            path = f"services/search/jobs/{quote(state.alerts[0]['sid'], safe='')}/results"
            parameters = {"count": "1"}
        else:
            path = "servicesNS/-/-/alerts/fired_alerts/-"
            order = {"sort_key": "trigger_time", "sort_dir": "desc"}
            parameters = {"count": str(PAGE_SIZE), "offset": str(state.offset), **order}
        base = str(credential.settings["management_url"]).rstrip("/")
        return Request(
            "GET",
            f"{base}/{path}?{urlencode({'output_mode': 'json', **parameters})}",
            bearer=str(credential.secret["management_token"]),
            spends=((CONNECTION, 1),),
            response_bytes_max=1024 * KIBIBYTE,
        )

    @raises_unreadable
    def parse_page_at(
        self, response: Response, *, cursor: str, query: Mapping[str, str]
    ) -> Page | Outcome:
        """Parse the list, or the first row of an alert; a search that has expired has none."""
        if response.status in REFUSED:
            return permission_missing("management_token", "Splunk refuses the management token.")
        state = ReadState.parse(cursor)
        is_gone = bool(state.alerts) and response.status == NOT_FOUND
        if not is_gone and (rejection := outcome_of_status(response, pauses=(CONNECTION,))):
            return rejection
        if state.alerts:
            is_empty = is_gone or response.status == NO_CONTENT
            rows = [] if is_empty else response.json()["results"]
            record = {**state.alerts[0], "result": rows[0] if rows else {}}
            return Page([record], ReadState(state.offset, state.alerts[1:]).to_cursor())
        return Page((), _list_alerts(state, response.json()["entry"], query).to_cursor())

    def record_id(self, record: Mapping[str, Any]) -> str:
        return str(record["sid"])


def _list_alerts(
    state: ReadState, entries: Sequence[Mapping[str, Any]], query: Mapping[str, str]
) -> ReadState:
    """Return the state with the alerts of a page that were triggered in the time of the query.

    One that was triggered for each result is listed once for each, with the same search.
    """
    since, until = (datetime.fromisoformat(query[name]) for name in ("since", "until"))
    alerts = [_parse_alert(entry) for entry in entries]
    times = [datetime.fromisoformat(alert["at"]) for alert in alerts]
    in_time = {
        alert["sid"]: alert for alert, at in zip(alerts, times, strict=True) if since <= at < until
    }
    is_last = len(entries) < PAGE_SIZE or times[-1] < since
    return ReadState(-1 if is_last else state.offset + len(entries), [*in_time.values()])


def _parse_alert(entry: Mapping[str, Any]) -> dict[str, str]:
    content, access = entry["content"], entry.get("acl") or {}
    return {
        "sid": str(content["sid"]),
        "search_name": str(content.get("savedsearch_name") or ""),
        "app": str(access.get("app") or ""),
        "owner": str(access.get("owner") or ""),
        "at": (EPOCH + timedelta(seconds=float(content["trigger_time"]))).isoformat(),
    }


def build_change_key(sid: str) -> str:
    return f"alert:{sid}"


def build_alert_id(sid: str, body: bytes) -> str:
    """Return the id of an alert: one may be triggered for each result, with the same `sid`."""
    return f"{sid}:{hashlib.sha256(body).hexdigest()[:16]}"


def build_alert_change(record: Mapping[str, Any]) -> RecordChange:
    """Return the alert that was read, as its webhook. Raises one of READ_ERRORS."""
    sid, at = str(record["sid"]), datetime.fromisoformat(record["at"])
    texts = {key: record[key] for key in ("sid", "search_name", "app", "owner")}
    body = dump_json({**texts, "results_link": "", "result": record["result"]})
    key = build_change_key(sid)
    return RecordChange(build_alert_id(sid, body), ALERT_CREATED, sid, at, body, change_key=key)
