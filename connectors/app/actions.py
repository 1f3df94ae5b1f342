"""Actions: send an event to our own application, ask it for a label or for an answer."""

from collections.abc import Sequence
from urllib.parse import quote

from connectors.http import Request, Response, Scope, dump_json
from connectors.i18n import _
from connectors.outcomes import Outcome, delivered, outcome_of_status
from connectors.roles import Action
from connectors.schema import Credential, Input, Message
from connectors.signatures import sign_standard_webhook, valid_signing_secrets

CALLS = Scope("app", "calls")
REQUESTS = Scope("app", "requests")
SPENDS = ((CALLS, 1), (REQUESTS, 1))
WHOLE_EVENT = {"type": "type", "timestamp": "occurred_at", "data": "data"}


class AppAction(Action):
    """A signed POST of one message to a path of our application's API, as JSON with its tenant."""

    path: str
    permissions = {
        "the signing secret": "so that our application can verify that requests come from the hub"
    }
    idempotent = True  # webhook-id stays the same over all attempts

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        (message,) = messages
        body = dump_json({**message.body, "tenant": message.tenant})
        secrets = valid_signing_secrets(credential.secret, at=message.at)
        return Request(
            "POST",
            f"{credential.urls['api']}/{self.path}",
            body=body,
            headers={
                "Content-Type": "application/json",
                "Hub-Tenant": quote(message.tenant, safe=":@"),
                **sign_standard_webhook(secrets, id=message.id, at=message.at, body=body),
            },
            spends=SPENDS,
        )

    def outcome(self, response: Response) -> Outcome:
        return outcome_of_status(response, pauses=(CALLS, REQUESTS)) or delivered()


class SendEvent(AppAction):
    key = "send_event"
    path = "events"
    label = _("Notify our application of the event")
    help = "Without a mapping, the body contains type, timestamp and data. The hub adds the tenant."
    inputs = (
        Input("type", _("Type"), "Type of the event, such as order.created.", required=True),
        Input("timestamp", _("Time"), "Time of the event in ISO 8601."),
        Input("data", _("Data"), "An object with the data of the event.", required=True),
    )
    example = WHOLE_EVENT
    default = WHOLE_EVENT


class CreateLabel(AppAction):
    key = "create_label"
    path = "labels"
    label = _("Create a shipping label")
    help = "Our application prints a label for an order of another system."
    inputs = (
        Input("order", _("Order"), "The number of the order.", required=True),
        Input("recipient", _("Recipient"), "The name on the label."),
        Input("address", _("Address"), "The address on the label."),
    )
    example = {"order": "data.number"}


class SubmitQuestion(AppAction):
    key = "submit_question"
    path = "questions"
    label = _("Submit a question")
    help = (
        "Our application takes the question, and answers later by the action post_message on the "
        "same connection."
    )
    inputs = (
        Input("text", _("Text"), "The question.", required=True),
        Input("connection", _("Connection"), "Our id of the connection that received it."),
        Input("channel", _("Channel"), "The channel in which the answer is expected."),
        Input("thread_ts", _("Thread"), "The ts of the message that the answer belongs to."),
        Input("user", _("User"), "The external id of the person who asks."),
    )
    example = {
        "text": "data.text || to_string(data.number)",
        "connection": "data.connection || id",
        "channel": "data.channel || id",
        "thread_ts": "data.thread_ts || data.ts || id",
        "user": "data.user || id",
    }
