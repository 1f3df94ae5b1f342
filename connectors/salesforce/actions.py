"""Salesforce: create, update and upsert records, up to 200 in one call.

A single record is sent as a collection of one, too: this also costs one call, and the response has
the same form. Only an update with a precondition uses another resource.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

from connectors.http import MIN_WAIT, Request, Response, Unreadable
from connectors.i18n import _
from connectors.outcomes import (
    CHANGED_SINCE,
    READ_ERRORS,
    Outcome,
    delivered,
    never,
    record_later,
    unknown,
)
from connectors.roles import Action, RecordToWrite, parse_instant
from connectors.salesforce.errors import ORG, find_rejection, outcome_of_code
from connectors.salesforce.schema import (
    API_NAME_PATTERN,
    EXTERNAL_FIELD,
    EXTERNAL_ID,
    FIELDS,
    ID_PATTERN,
    OBJECT,
    RECORD,
    UNMODIFIED_SINCE,
    parse_constant_name,
)
from connectors.schema import Credential, Input, Message, remove_nulls

API_VERSION = "v67.0"


def base_url(credential: Credential) -> str:
    """Return the organisation's own host, or the login host before a response has named it."""
    return str(credential.settings.get("instance_url") or credential.urls["login"]).rstrip("/")


class WriteRecords(Action):
    """Write one record for each message, in one collection."""

    method: str
    permissions = {
        "api": _("to reach the records"),
        "refresh_token": _("to stay connected"),
    }
    batch_size_max = 200
    fields_input = "fields"

    def schema_object(self, body: Mapping[str, Any]) -> str:
        """Return the object that the mapping names as a constant, such as `'Contact'`."""
        return parse_constant_name(str(body.get("object", "")))

    def find_body_problem(self, body: Mapping[str, Any]) -> str:
        if problem := super().find_body_problem(body):
            return problem
        for key in {"object", "external_id_field"} & set(body):
            if not isinstance(body[key], str) or not API_NAME_PATTERN.fullmatch(body[key]):
                return f"{key} is not an API name"
        if not isinstance(body["fields"], Mapping) or not all(
            API_NAME_PATTERN.fullmatch(name) for name in body["fields"]
        ):
            return "fields is not an object with API names"
        return ""

    def group_key(self, message: Message) -> Hashable:
        """Return the group's key: object, external id field and field names.

        A field that Salesforce does not know makes it refuse the whole call, as does a value of the
        wrong type: messages that were refused together are retried alone.
        """
        return (
            message["object"],
            message.get("external_id_field"),
            frozenset(remove_nulls(message["fields"])),
            message.batch_group,
        )

    def path(self, message: Message) -> str:
        return "composite/sobjects"

    def record(self, message: Message) -> dict[str, Any]:
        return {**remove_nulls(message["fields"]), "attributes": {"type": message["object"]}}

    def record_key(self, message: Message) -> str:
        """Return the key of the record, of which a collection may contain only one."""
        return message.id

    def written_record(self, message: Message) -> RecordToWrite:
        record = str(message.get("record_id", ""))
        object = str(message["object"]).lower()
        return RecordToWrite(object, record, remove_nulls(message["fields"]))

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        return Request(
            self.method,
            f"{base_url(credential)}/services/data/{API_VERSION}/{self.path(messages[0])}",
            json={
                "allOrNone": False,
                "records": [
                    self.record(message) for message in self._list_first_messages(messages)
                ],
            },
            bearer=credential.access_token,
            spends=((ORG, 1),),
            response_bytes_max=1024 * 1024,  # 200 answers with several errors each
        )

    def _list_first_messages(self, messages: Sequence[Message]) -> list[Message]:
        """Return the first message of each record: Salesforce would refuse two of one record."""
        firsts: dict[str, Message] = {}
        for message in messages:
            firsts.setdefault(self.record_key(message), message)
        return list(firsts.values())

    def outcomes(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        sent = self._list_first_messages(messages)
        outcomes_by_message = dict(
            zip(
                (message.id for message in sent),
                self.parse_answers(response, len(sent)),
                strict=True,
            )
        )
        same_record = record_later(
            "same_record",
            "another message about this record is sent first",
            after=MIN_WAIT,
            costs_no_attempt=True,
        )
        return [outcomes_by_message.pop(message.id, same_record) for message in messages]

    def parse_answers(self, response: Response, count: int) -> list[Outcome]:
        if rejection := find_rejection(response):
            together = rejection.kind == "never" and count > 1
            alone = record_later("refused_together", rejection.detail, after=MIN_WAIT)
            return [alone if together else rejection] * count
        answers = response.json()
        if not isinstance(answers, list) or len(answers) != count:
            raise Unreadable("the response does not contain one result per record")
        return [parse_record_outcome(answer) for answer in answers]


def parse_record_outcome(answer: Any) -> Outcome:
    """Parse the result of one record; *unknown* if it cannot be parsed. Never raises."""
    try:
        if answer["success"] is True:
            created = answer.get("created")
            return delivered(
                str(answer.get("id") or ""), created=created if isinstance(created, bool) else None
            )
        first = answer["errors"][0]
        return outcome_of_code(str(first["statusCode"]), str(first.get("message", "")))
    except READ_ERRORS as error:
        return unknown("unreadable", f"{type(error).__name__} in the result of one record")


class Create(WriteRecords):
    key = "create"
    creates = True
    label = _("Create a record")
    help = (
        "Salesforce does not support our IDs here. If a response is lost, a retry may "
        "create a second record. Use upsert to avoid this."
    )
    method = "POST"
    inputs = (OBJECT, FIELDS)
    example = {
        "object": "'Lead'",
        "fields": {
            "LastName": "data.customer",
            "Company": "data.customer",
            "Email": "data.email",
            "Description": "join(' ', ['Order', to_string(data.number), "
            "to_string(data.total), data.currency])",
        },
    }


class Update(WriteRecords):
    key = "update"
    label = _("Update a record")
    help = "The record is identified by its Salesforce ID."
    method = "PATCH"
    is_idempotent = True
    inputs: tuple[Input, ...] = (OBJECT, RECORD, FIELDS)
    example = {
        "object": "'Contact'",
        "record_id": "'003000000000001AAA'",
        "fields": {
            "Email": "data.email",
            "Description": "join(' ', ['Last order:', to_string(data.number)])",
        },
    }

    def find_body_problem(self, body: Mapping[str, Any]) -> str:
        if problem := super().find_body_problem(body):
            return problem
        return (
            ""
            if ID_PATTERN.fullmatch(str(body["record_id"]))
            else "record_id is not 15 or 18 letters and digits"
        )

    def record(self, message: Message) -> dict[str, Any]:
        return {**super().record(message), "id": message["record_id"]}

    def record_key(self, message: Message) -> str:
        return str(message["record_id"])[:15]  # the other three are a checksum


class Upsert(WriteRecords):
    key = "upsert"
    creates = True
    label = _("Create or update a record (upsert)")
    help = "The record is found by an external ID, so retries have no second effect."
    method = "PATCH"
    is_idempotent = True
    inputs = (OBJECT, EXTERNAL_FIELD, EXTERNAL_ID, FIELDS)
    example = {
        "object": "'Contact'",
        "external_id_field": "'External_Id__c'",
        "external_id": "data.email",
        "fields": {"LastName": "data.customer", "Email": "data.email"},
    }

    def find_body_problem(self, body: Mapping[str, Any]) -> str:
        if problem := super().find_body_problem(body):
            return problem
        is_key = isinstance(body["external_id"], str | int | float | Decimal)
        return "" if is_key else "external_id is neither text nor a number"

    def path(self, message: Message) -> str:
        return f"composite/sobjects/{message['object']}/{message['external_id_field']}"

    def record(self, message: Message) -> dict[str, Any]:
        return {**super().record(message), message["external_id_field"]: message["external_id"]}

    def record_key(self, message: Message) -> str:
        return str(message["external_id"]).casefold()

    def written_record(self, message: Message) -> RecordToWrite:
        return replace(super().written_record(message), may_exist=True)


class UpdateRecord(Update):
    """Update one record by a call of its own, which can have a precondition.

    https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/
    intro_rest_conditional_requests.htm (2026-11): If-Unmodified-Since is compared with the time of
    the last change, to the second; 412 if it is later.
    """

    key = "update_record"
    label = _("Update a record if it has not changed")
    help = (
        "One record in each call. With a time, a record that was changed later is left as it is. "
        "null empties a field."
    )
    inputs = (OBJECT, RECORD, FIELDS, UNMODIFIED_SINCE)
    example = {**Update.example, "unmodified_since": "occurred_at"}
    batch_size_max = 1

    def find_body_problem(self, body: Mapping[str, Any]) -> str:
        if problem := super().find_body_problem(body):
            return problem
        since = body.get("unmodified_since")
        is_time = since in (None, "") or parse_instant(since) is not None
        return "" if is_time else "unmodified_since is not a time with its UTC offset"

    def written_record(self, message: Message) -> RecordToWrite:
        object = str(message["object"]).lower()
        return RecordToWrite(object, str(message["record_id"]), message["fields"])

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        (message,) = messages
        since = parse_instant(message.get("unmodified_since"))
        stamp = format_datetime(since, usegmt=True) if since else ""
        path = f"sobjects/{message['object']}/{message['record_id']}"
        return Request(
            self.method,
            f"{base_url(credential)}/services/data/{API_VERSION}/{path}",
            json=dict(message["fields"]),
            headers={"If-Unmodified-Since": stamp} if stamp else {},
            bearer=credential.access_token,
            spends=((ORG, 1),),
        )

    def outcomes(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        """Return one outcome. Raises Unreadable for a success other than 204, as documented."""
        if response.status == 412:
            return [never(CHANGED_SINCE, "the record was changed after the given time")]
        if rejection := find_rejection(response):
            return [rejection]
        if response.status != 204:
            raise Unreadable(f"status {response.status} instead of 204")
        return [delivered(str(message["record_id"])) for message in messages]


class DeleteRecord(Action):
    """Delete one record, which goes to the recycle bin, under the same precondition."""

    key = "delete_record"
    label = _("Delete a record if it has not changed")
    help = "With a time, a record that was changed later is left as it is."
    permissions = UpdateRecord.permissions
    is_idempotent = True
    inputs = (OBJECT, RECORD, UNMODIFIED_SINCE)
    example = {
        "object": "'Contact'",
        "record_id": "'003000000000001AAA'",
        "unmodified_since": "occurred_at",
    }

    def find_body_problem(self, body: Mapping[str, Any]) -> str:
        if problem := super().find_body_problem(body):
            return problem
        return UPDATE_RECORD.find_body_problem({**body, "fields": {}})

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        (message,) = messages
        with_fields = replace(message, body={**message.body, "fields": {}})
        request = UPDATE_RECORD.request([with_fields], credential)
        return replace(request, method="DELETE", json=None)

    def outcomes(self, response: Response, messages: Sequence[Message]) -> list[Outcome]:
        return UPDATE_RECORD.outcomes(response, messages)


UPDATE_RECORD = UpdateRecord()
ACTIONS = (Create(), Update(), Upsert(), UPDATE_RECORD, DeleteRecord())
