"""Slack's app at the hub with connected workspaces, and our application that is notified of each
mention.
"""

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from bench import seed
from bench.baselines.load_generator import build_request
from bench.baselines.reference_edge import SECRET
from bench.sink.client import Sink
from connectors.registry import CONNECTORS
from hub.connections.models import Connection, ConnectorApp
from hub.db.clock import clock
from hub.incoming.endpoints.create import endpoint_url, get_or_create_app_endpoint
from hub.incoming.models import InboundMessage
from hub.outgoing.models import Event

MENTION = "slack.mention.created"
MAPPING = {"type": "type", "timestamp": "occurred_at", "data": "data"}


@dataclass(frozen=True, slots=True)
class SlackApp:
    """The path of its webhooks, and the workspaces that are connected, each with its tenant."""

    path: str
    workspaces: list[Connection]

    def url(self, place: str) -> SplitResult:
        """Return the URL of its webhooks at a server, "host:port"."""
        return urlsplit(f"http://{place}{self.path}")

    def request(self, place: str, event_id: str, team: str) -> bytes:
        """Build the request of a mention in a workspace, signed now."""
        return build_request(self.url(place), event_id, team=team, secret=SECRET)


def stage(sink: Sink, *, workspaces: int = 1) -> SlackApp:
    """Create the app, its workspaces T0000, T0001, …, and our application at the sink."""
    seed.empty()
    sink.clear()
    app = create_app(sink.url, workspaces=workspaces)
    connect_our_application(sink)
    return app


def create_app(url: str, *, workspaces: int = 1) -> SlackApp:
    """Create the app and its workspaces, whose API would be at the URL."""
    app = ConnectorApp(connector_key="slack")
    app.seal({"client_id": "1.2", "client_secret": "s" * 16, "signing_secret": SECRET})
    app.save()
    source = CONNECTORS["slack"].webhook_source
    assert source is not None, "Slack receives webhooks"
    endpoint = get_or_create_app_endpoint("slack", source, now=clock())
    rows = seed.connections(workspaces, url, tenants=workspaces, connector="slack")
    for number, row in enumerate(rows):
        row.account = f"T{number:04d}"
    Connection.unscoped.bulk_update(rows, ["account"])
    return SlackApp(urlsplit(endpoint_url(endpoint)).path, rows)


def connect_our_application(sink: Sink) -> None:
    """Connect our own application at the sink, and route every mention to it."""
    ConnectorApp.objects.create(connector_key="app", urls={"api": f"{sink.url}/ok"})
    rows = Connection.unscoped.bulk_create(
        [Connection(tenant=None, connector_key="app", name="our application")]
    )
    seed.store_credentials(rows, seed.SECRET)
    route_mentions()


def route_mentions() -> None:
    """Send every mention to our application."""
    seed.route("app", "send_event", mapping=MAPPING, event_type=MENTION, origin="slack")


def stored_ids() -> set[str]:
    """Return the ids of the events that are stored as accepted messages."""
    accepted = InboundMessage.unscoped.filter(state="accepted")
    return set(accepted.values_list("message_key", flat=True))


def published_ids() -> list[str]:
    """Return Slack's id of each published event."""
    senders = Event.unscoped.filter(source="slack").values_list("sender_id", flat=True)
    return [sender.rpartition(":")[2] for sender in senders]
