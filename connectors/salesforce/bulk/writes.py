"""Salesforce: write very many records by an ingest job of Bulk API 2.0.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/bulk_api_2_ingest.htm
and datafiles_prepare_csv.htm (2026-11): an empty cell leaves a field as it is, #N/A empties it; a
job takes one upload; the results of a record contain its uploaded row.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import ceil
from typing import Any

from connectors.http import Request, Response, Scope, Unreadable, encode_json
from connectors.outcomes import Outcome, delivered, raises_unreadable
from connectors.roles import (
    BulkForm,
    BulkRecord,
    BulkWrite,
    RecordResult,
    WriteJob,
    WriteJobState,
)
from connectors.salesforce.actions import Update, Upsert
from connectors.salesforce.bulk.queries import (
    STATE_CALLS,
    build_job_request,
    decompress,
    find_wait,
)
from connectors.salesforce.errors import ORG, find_rejection, outcome_of_code
from connectors.salesforce.soql import check_id
from connectors.schema import Credential, remove_nulls

INGEST_JOBS = Scope("account", "batches")
NULL = "#N/A"
OTHER_CALLS = 5  # create, upload, close, and two kinds of results
WAITING_MIN = 2_000  # records, up to which collections are used in any case
TEXT_MAX = 100_000  # characters of one value
RESULTS_RESPONSE_BYTES = 16 * 1024 * 1024
STATES: Mapping[str, WriteJobState] = {
    "Open": "open",
    "JobComplete": "ended",
    "Failed": "ended",
    "Aborted": "ended",
}


class RecordsBulkWrite(BulkWrite):
    """Writes what the actions `update` and `upsert` write."""

    actions = frozenset((Update.key, Upsert.key))
    records_max = 10_000  # of one batch within Salesforce
    bytes_max = 4 * 1024 * 1024

    def is_cheaper(self, count: int) -> bool:
        calls = ceil(count / self.records_max) * (OTHER_CALLS + STATE_CALLS)
        return count > WAITING_MIN and calls < ceil(count / Upsert.batch_size_max)

    def build_record(self, action: str, body: Mapping[str, Any]) -> BulkRecord | None:
        """Return the record; None if CSV cannot express a value, such as that of a relation."""
        is_upsert = action == Upsert.key
        key_field = str(body["external_id_field"]) if is_upsert else "Id"
        key = format_value(body["external_id" if is_upsert else "record_id"])
        fields = remove_nulls(body["fields"])
        cells = {name: format_value(value) for name, value in fields.items()}
        texts = {name: text for name, text in cells.items() if text is not None}
        is_key_written = key_field.lower() in {name.lower() for name in fields}
        if key is None or key == NULL or len(texts) < len(fields) or is_key_written:
            return None
        identity = key.casefold() if is_upsert else key[:15]  # the other three are a checksum
        form = BulkForm(action, str(body["object"]), key_field)
        return BulkRecord(form, key, identity, {key_field: key, **texts})

    def job_request(self, credential: Credential, form: BulkForm) -> Request:
        key = {"externalIdFieldName": form.key_field} if form.action == Upsert.key else {}
        return build_job_request(
            credential,
            "POST",
            "ingest",
            json={
                "object": form.object,
                "operation": form.action,
                **key,
                "contentType": "CSV",
                "lineEnding": "LF",
                "columnDelimiter": "COMMA",
            },
            spends=((ORG, 1), (INGEST_JOBS, 1)),
        )

    def upload_request(
        self, credential: Credential, job: str, records: Sequence[BulkRecord]
    ) -> Request:
        columns = list(dict.fromkeys(name for record in records for name in record.values))
        rows = [[record.values.get(name, "") for name in columns] for record in records]
        return build_job_request(
            credential,
            "PUT",
            f"ingest/{check_id(job)}/batches",
            body=write_rows([columns, *rows]).encode(),
            headers={"Content-Type": "text/csv; charset=UTF-8"},
        )

    def parse_upload(self, response: Response) -> Outcome | None:
        return find_rejection(response)

    def close_request(self, credential: Credential, job: str) -> Request:
        return build_job_request(
            credential, "PATCH", f"ingest/{check_id(job)}", json={"state": "UploadComplete"}
        )

    def state_request(self, credential: Credential, job: str) -> Request:
        return build_job_request(credential, "GET", f"ingest/{check_id(job)}")

    @raises_unreadable
    def parse_job(self, response: Response) -> WriteJob | Outcome:
        """Parse a job. A state that is not known yet counts as running. Raises Unreadable."""
        if rejection := find_rejection(response):
            return rejection
        answer = response.json()
        return WriteJob(
            check_id(str(answer["id"])),
            STATES.get(str(answer["state"]), "running"),
            find_wait(answer, at=response.at),
            int(answer.get("numberRecordsFailed") or 0),
        )

    def results_request(self, credential: Credential, job: str, *, failed: bool) -> Request:
        kind = "failedResults" if failed else "successfulResults"
        return build_job_request(
            credential,
            "GET",
            f"ingest/{check_id(job)}/{kind}",
            headers={"Accept": "text/csv"},
            response_bytes_max=RESULTS_RESPONSE_BYTES,
        )

    @raises_unreadable
    def parse_results(
        self, response: Response, form: BulkForm
    ) -> Mapping[str, RecordResult] | Outcome:
        if rejection := find_rejection(response):
            return rejection
        if response.is_truncated:
            raise Unreadable("the results are cut")
        text = io.StringIO(decompress(response.body).decode(), newline="")
        try:
            header, *rows = csv.reader(text, strict=True)
        except csv.Error as error:
            raise Unreadable("the results are not CSV") from error
        names = [name.lower() for name in header]
        key_column = names.index(form.key_field.lower())
        results: dict[str, RecordResult] = {}
        for row in filter(None, rows):
            values = dict(zip(names, row, strict=True))
            results[row[key_column]] = RecordResult(parse_result(values), write_rows([row]))
        return results


def format_value(value: object) -> str | None:
    """Return a value as a cell of CSV; None if CSV cannot express it."""
    if isinstance(value, str):
        is_usable = value != NULL and len(value) <= TEXT_MAX and is_encodable(value)
        return (value or NULL) if is_usable else None
    return encode_json(value) if isinstance(value, bool | int | float | Decimal) else None


def is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def write_rows(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return text.getvalue()


def parse_result(values: Mapping[str, str]) -> Outcome:
    """Parse `sf__Error`, such as "REQUIRED_FIELD_MISSING:Required fields are missing:Name --"."""
    if "sf__error" not in values:
        return delivered(values["sf__id"], created=values["sf__created"] == "true")
    code, _, message = values["sf__error"].partition(":")
    return outcome_of_code(code, message.rpartition(":")[0] or message)


BULK_WRITE = RecordsBulkWrite()
