"""What the tests of the REST of connections share."""

from connectors.http import Response
from hub.connections.models import Connection

CONNECTIONS = "/api/v1/connections"
NO_DATA = Response(400, b'{"text":"No data","code":5}')
BAD_TOKEN = Response(403, b'{"text":"Invalid token","code":4}')
URL, TOKEN = "https://splunk.example.com:8088", "11111111-2222-3333-4444-canary555555"
SPLUNK = {
    "connector": "splunk",
    "name": "Ours",
    "settings": {"url": URL},
    "secrets": {"token": TOKEN},
}
WEBHOOK = {"connector": "webhook", "settings": {"url": "https://example.com/hook"}}
GITHUB = {
    "connector": "signed_webhook",
    "settings": {"preset": "github"},
    "secrets": {"signing_secret": "a secret of 24 characters"},
}


def connection_url(connection, verb=""):
    return f"{CONNECTIONS}/{connection.public_id}{verb and '/'}{verb}"


def summarize_problem(response):
    """Status, code, and where."""
    document = response.json()
    return (
        response.status_code,
        document["code"],
        [error["pointer"] for error in document["errors"]],
    )


def open_stored_document():
    row = Connection.unscoped.get()
    return row.credential.open(row)
