"""Every connector, one line each."""

from connectors.base import Connector
from connectors.webhook.connector import Webhook

CONNECTORS: dict[str, Connector] = {
    connector.key: connector
    for connector in (
        Webhook(),
    )
}  # fmt: skip
