"""Actions: send an event to our own application, ask it for a label or an answer, write orders."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from connectors.app.requests import CALLS, REQUESTS, SPENDS, sign_request
from connectors.http import Request, Response, dump_json
from connectors.i18n import _
from connectors.outcomes import (
    CHANGED_SINCE,
    DUPLICATE_VALUE,
    READ_ERRORS,
    Outcome,
    delivered,
    never,
    outcome_of_status,
)
from connectors.roles import Action
from connectors.schema import Credential, Input, Message, remove_nulls

WHOLE_EVENT = {"type": "type", "timestamp": "occurred_at", "data": "data"}
NUMBER_LENGTH_MAX = 100  # characters


class AppAction(Action):
    """A signed request with one message to a path of our application's API, as JSON."""

    method = "POST"
    path: str
    permissions = {
        "the signing secret": _(
            "so that our application can verify that requests come from the hub"
        )
    }
    is_idempotent = True  # webhook-id stays the same over all attempts

    def build_path(self, message: Message) -> str:
        return self.path

    def build_body(self, message: Message) -> Mapping[str, Any]:
        return message.body

    def build_headers(self, message: Message) -> Mapping[str, str]:
        return {}

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        (message,) = messages
        body = dump_json({**self.build_body(message), "tenant": message.tenant})
        return Request(
            self.method,
            f"{credential.urls['api']}/{self.build_path(message)}",
            body=body,
            headers={
                "Content-Type": "application/json",
                "Hub-Tenant": quote(message.tenant, safe=":@"),
                **self.build_headers(message),
                **sign_request(credential, id=message.id, at=message.at, body=body),
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
        Input("type", _("Type"), _("Type of the event, such as order.created."), required=True),
        Input("timestamp", _("Time"), _("Time of the event in ISO 8601.")),
        Input("data", _("Data"), _("An object with the data of the event."), required=True),
    )
    example = WHOLE_EVENT
    default = WHOLE_EVENT


class CreateLabel(AppAction):
    key = "create_label"
    path = "labels"
    label = _("Create a shipping label")
    help = "Our application prints a label for an order of another system."
    inputs = (
        Input("order", _("Order"), _("The number of the order."), required=True),
        Input("recipient", _("Recipient"), _("The name on the label.")),
        Input("address", _("Address"), _("The address on the label.")),
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
        Input("text", _("Text"), _("The question."), required=True),
        Input("connection", _("Connection"), _("Our id of the connection that received it.")),
        Input("channel", _("Channel"), _("The channel in which the answer is expected.")),
        Input("thread_ts", _("Thread"), _("The ts of the message that the answer belongs to.")),
        Input("user", _("User"), _("The external id of the person who asks.")),
    )
    example = {
        "text": "data.text || to_string(data.number)",
        "connection": "data.connection || id",
        "channel": "data.channel || id",
        "thread_ts": "data.thread_ts || data.ts || id",
        "user": "data.user || id",
    }


class CreateCustomer(AppAction):
    """Create one customer; the response states its id."""

    key = "create_customer"
    path = "customers"
    label = _("Create a customer")
    help = "Our application stores a customer of another system, with the next free id."
    inputs = (
        Input("name", _("Name"), _("The name of the customer."), required=True),
        Input("email", _("Email"), _("The customer's address for mails.")),
        Input("phone", _("Phone"), _("The customer's telephone number.")),
        Input("website", _("Website"), _("The address of the customer's website.")),
        Input("reference", _("Reference"), _("The id of the record in the other system.")),
    )
    example = {"name": "to_string(data.customer || data.name || id)"}

    def build_body(self, message: Message) -> Mapping[str, Any]:
        return remove_nulls(message.body)

    def outcome(self, response: Response) -> Outcome:
        return outcome_of_status(response, pauses=(CALLS, REQUESTS)) or delivered(
            parse_reference(response, "id")
        )


NUMBER = Input("number", _("Order"), _("The number of the order."), required=True)
ORDER_FIELDS = Input(
    "fields",
    _("Fields"),
    _("An object with the fields of the order and their values; null empties a field."),
    required=True,
)


class WriteOrder(AppAction):
    """Write one order; the response states its number."""

    def find_body_problem(self, body: Mapping[str, Any]) -> str:
        if problem := super().find_body_problem(body):
            return problem
        if not isinstance(body["fields"], Mapping):
            return "fields is not an object"
        return find_order_problem(body)

    def outcome(self, response: Response) -> Outcome:
        if response.status == 412:
            return never(CHANGED_SINCE, "the order was changed after the given version")
        return outcome_of_status(response, pauses=(CALLS, REQUESTS)) or delivered(
            parse_reference(response, "number")
        )


def parse_reference(response: Response, name: str) -> str:
    """Return the id of the record that a response states by this name; empty if it states none."""
    try:
        return str(response.json()[name])
    except READ_ERRORS:
        return ""


class CreateOrder(WriteOrder):
    key = "create_order"
    path = "orders"
    label = _("Create an order")
    help = "Our application stores an order of another system. It refuses a number that it has."
    inputs = (
        Input("number", _("Order"), _("The number of the order. Default: the next free one.")),
        ORDER_FIELDS,
    )
    example = {
        "number": "data.number",
        "fields": {
            "customer": "data.customer",
            "email": "data.email",
            "total": "data.total",
            "currency": "data.currency",
        },
    }

    def outcome(self, response: Response) -> Outcome:
        if response.status == 409:
            return never(DUPLICATE_VALUE, "an order with this number exists")
        return super().outcome(response)

    def build_body(self, message: Message) -> Mapping[str, Any]:
        number = message.get("number")
        named = {} if number in (None, "") else {"number": str(number)}
        return {**message["fields"], **named}


class UpdateOrder(WriteOrder):
    key = "update_order"
    method = "PATCH"
    path = "orders"
    label = _("Update an order")
    help = (
        "Fields that the mapping omits are not changed. With a version, the order is changed only "
        "if it still has that version."
    )
    inputs = (
        NUMBER,
        ORDER_FIELDS,
        Input("if_match", _("Version"), _("The version (ETag) that the order must still have.")),
    )
    example = {"number": "data.number", "fields": {"total": "data.total"}}

    def build_path(self, message: Message) -> str:
        return f"{self.path}/{quote(str(message['number']), safe='')}"

    def build_body(self, message: Message) -> Mapping[str, Any]:
        return dict(message["fields"])

    def build_headers(self, message: Message) -> Mapping[str, str]:
        return {"If-Match": build_entity_tag(message.get("if_match"))}


class DeleteOrder(AppAction):
    key = "delete_order"
    method = "DELETE"
    path = "orders"
    label = _("Delete an order")
    help = "With a version, the order is deleted only if it still has that version."
    inputs = (
        NUMBER,
        Input("if_match", _("Version"), _("The version (ETag) that the order must still have.")),
    )
    example = {"number": "data.number"}

    def build_path(self, message: Message) -> str:
        return f"{self.path}/{quote(str(message['number']), safe='')}"

    def build_body(self, message: Message) -> Mapping[str, Any]:
        return {}

    def build_headers(self, message: Message) -> Mapping[str, str]:
        return {"If-Match": build_entity_tag(message.get("if_match"))}

    def find_body_problem(self, body: Mapping[str, Any]) -> str:
        return super().find_body_problem(body) or find_order_problem(body)

    def outcome(self, response: Response) -> Outcome:
        if response.status == 412:
            return never(CHANGED_SINCE, "the order was changed after the given version")
        return outcome_of_status(response, pauses=(CALLS, REQUESTS)) or delivered()


def find_order_problem(body: Mapping[str, Any]) -> str:
    """Return why the number or the version of an order cannot be sent; "" if they can."""
    number = body.get("number")
    is_usable = number is None or isinstance(number, str | int) and str(number).isprintable()
    if not is_usable or len(str(number)) > NUMBER_LENGTH_MAX:
        return "number is not usable"
    tag = build_entity_tag(body.get("if_match"))
    return "" if tag.isascii() and tag.isprintable() else "if_match is not a version"


def build_entity_tag(version: object) -> str:
    """Return the value of If-Match: any version, unless one is given."""
    return "*" if version in (None, "") else str(version)
