"""Examples of a job's options, which people copy and change."""

import json
from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class OptionExample(NamedTuple):
    kind: str
    connector_key: str
    description: str | Promise
    options: dict[str, Any]

    @property
    def text(self) -> str:
        return json.dumps(self.options, indent=2)


EXAMPLES = (
    OptionExample(
        "reconcile",
        "salesforce",
        _("Reconciliation: our orders and a custom object in Salesforce; our state is right"),
        {
            "local": {"collection": "orders"},
            "remote": {
                "collection": "records",
                "query": {"object": "Order__c", "fields": "Number__c,Status__c"},
            },
            "match": {"local": "number", "remote": "Number__c"},
            "fields": [
                {
                    "name": "status",
                    "local": "state",
                    "remote": "Status__c",
                    "type": "text",
                    "owner": "ours",
                }
            ],
            "repair": {"local_action": "update_order", "remote_action": "update_record"},
        },
    ),
    OptionExample("report", "salesforce", _("Report: last week's orders by day, in Slack"), {}),
    OptionExample("ship", "splunk", _("Log shipping: lines sent by API"), {"source": "api"}),
    OptionExample(
        "sync", "pipedrive", _("Sync: persons that were created"), {"changes": ["created"]}
    ),
)
