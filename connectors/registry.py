"""The list of all connectors."""

from connectors.app.connector import App
from connectors.base import Connector
from connectors.pipedrive.connector import Pipedrive
from connectors.salesforce.connector import Salesforce
from connectors.signed_webhook.connector import SignedWebhook
from connectors.slack.connector import Slack
from connectors.splunk.connector import Splunk
from connectors.webhook.connector import Webhook

CONNECTORS: dict[str, Connector] = {
    connector.key: connector
    for connector in (
        App(),
        Pipedrive(),
        Salesforce(),
        SignedWebhook(),
        Slack(),
        Splunk(),
        Webhook(),
    )
}
# of the webhook endpoints that customers run
(ENDPOINT_CONNECTOR,) = (entry for entry in CONNECTORS.values() if entry.is_own_endpoint)


def find_connector_label(connector_key: str) -> str:
    """Return the name of a system; its key if it is not installed any more."""
    connector = CONNECTORS.get(connector_key)
    return str(connector.label) if connector else connector_key
