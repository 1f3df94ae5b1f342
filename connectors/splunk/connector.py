"""Splunk: send events to the HTTP Event Collector, with acknowledgements if the token uses them."""

from datetime import datetime
from urllib.parse import urlsplit

from connectors.base import Connector
from connectors.http import Rate, Request, Response
from connectors.i18n import _
from connectors.outcomes import Outcome, raises_unreadable
from connectors.schema import Account, Credential, DataFlow, Field
from connectors.splunk.actions import (
    SendEvent,
    SendRaw,
    build_collector_headers,
    build_collector_url,
)
from connectors.splunk.errors import CONNECTION, find_rejection, parse_code
from connectors.splunk.feeds import FiredAlerts
from connectors.splunk.log_lines import SplunkLogSink
from connectors.splunk.subscriptions import SplunkWebhookSubscriptions
from connectors.splunk.webhooks import SplunkWebhooks

NO_DATA_CODE = 5


class Splunk(Connector):
    key = "splunk"
    label = "Splunk"
    summary = _("Events and logs to the HTTP Event Collector.")
    categories = (_("Logs"), _("Security"), _("Analytics"))
    synonyms = ("siem", "hec", "logging", "http event collector", "monitoring", "audit log")
    data_flows = (
        DataFlow(
            "out",
            _("The events that your routes select, complete or mapped, in the token's indexes."),
        ),
        DataFlow(
            "in",
            _(
                "The confirmation that an event was accepted. And, if you add our webhook to "
                "alerts: each alert with the first row of its results."
            ),
        ),
    )
    approval = _(
        "A Splunk administrator, who creates the token and allows the addresses of this hub."
    )
    plan = _("Splunk Enterprise or Splunk Cloud with the HTTP Event Collector enabled.")
    fields = (
        Field(
            "url",
            _("Collector URL"),
            _("For example https://splunk.example.com:8088, without a path."),
            kind="url",
        ),
        Field(
            "token", _("Token"), _("A HEC token created by a Splunk administrator."), secret=True
        ),
        Field(
            "use_ack",
            _("Indexer acknowledgement"),
            _(
                "Turn this on if, and only if, it is enabled for the token. Events then "
                "count as delivered when Splunk confirms them."
            ),
            kind="flag",
            required=False,
        ),
        Field(
            "management_url",
            _("Management URL"),
            _(
                "For example https://splunk.example.com:8089. Only to read alerts that a webhook "
                "did not bring."
            ),
            kind="url",
            required=False,
        ),
        Field(
            "management_token",
            _("Management token"),
            _("An authentication token of a user who may list triggered alerts."),
            secret=True,
            required=False,
        ),
    )
    actions = (SendEvent(), SendRaw())
    feed_collections = (FiredAlerts(),)
    log_sink = SplunkLogSink()
    webhook_source = SplunkWebhooks()
    subscriptions = SplunkWebhookSubscriptions()
    # a courtesy: Splunk documents no quota, only back-pressure
    quotas = {"connection": Rate(20, 1.0)}

    def find_credential_problem(self, credential: Credential) -> str:
        if not credential.secret.get("token"):
            return "missing: Token"
        has_url = bool(credential.settings.get("management_url"))
        if has_url != bool(credential.secret.get("management_token")):
            return "missing: Management token" if has_url else "missing: Management URL"
        return "" if _collector_host(credential) else "the collector URL has no host"

    def probe_request(self, credential: Credential, *, at: datetime) -> Request:
        """Build a request without events: the collector answers *No data* to a valid token.

        The health endpoint does not check the token, unless its query contains it.
        """
        url = f"{build_collector_url(credential)}/event"
        return Request(
            "POST",
            url,
            body=b"",
            headers=build_collector_headers(credential),
            spends=((CONNECTION, 1),),
        )

    @raises_unreadable
    def parse_probe(self, response: Response, credential: Credential) -> Account | Outcome:
        rejection = find_rejection(response)
        if rejection is None or (response.status == 400 and parse_code(response) == NO_DATA_CODE):
            return Account(id="", name=_collector_host(credential))  # no answer names the instance
        return rejection


def _collector_host(credential: Credential) -> str:
    try:
        return urlsplit(str(credential.settings.get("url", ""))).hostname or ""
    except ValueError:
        return ""
