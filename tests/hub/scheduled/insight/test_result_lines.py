"""The result of a run in words."""

import pytest

from hub.scheduled.insight.result_lines import list_result_lines
from tests.scheduled_factories import RESULT

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(make):
    return make.tenant("acme", time_zone="Europe/Berlin")


def test_a_reconciliation_is_stated_in_words(make, acme):
    stopped = {"state": "stopped", "changes": 740, "limits": {"share": 0.1, "count": 500}}
    run = make.finished_run(
        make.job(acme), result=RESULT | {"repairs": stopped, "is_complete": False}
    )
    lines = {line.name: line.value for line in list_result_lines(run)}
    assert lines["Result"] == "9,996 of 10,000 equal at 02:14"
    assert (lines["Differs"], lines["Missing there"]) == ("3", "1")
    assert "Ambiguous" not in lines
    assert "more would change" in lines["Repairs"]
    assert lines["Incomplete"] == "missing records are not reported"


def test_times_of_a_sync_are_in_the_zone_of_the_tenant(make, acme):
    job = make.job(acme, kind="sync", connector="pipedrive")
    run = make.finished_run(job, result={"since": "2026-11-27T15:46:21.309101+00:00", "read": 1})
    assert [line[:2] for line in list_result_lines(run)] == [
        ("Changed since", "2026-11-27 16:46:21 CET"),
        ("Records that were read", "1"),
    ]


def test_other_results_have_names_that_people_read(make, acme):
    job = make.job(acme, kind="ship", connector="splunk")
    run = make.finished_run(job, result={"lines": 5_000, "sent_again": 2, "rejected": 0})
    assert [line[:2] for line in list_result_lines(run)] == [
        ("Lines", "5,000"),
        ("Batches that were sent again", "2"),
        ("Rejected lines", "0"),
    ]
