import pytest

from hub.management.demo.scheduled_jobs import JOBS, WEEKLY_SALES
from hub.scheduled.reports.options import REPORT_OPTIONS, parse_report_options

MEASURES = [{"function": "sum", "field": "Amount", "name": "Amount"}]


@pytest.mark.parametrize("connector", ["salesforce", "pipedrive", "app", "slack"])
def test_every_option_has_a_default(connector):
    assert REPORT_OPTIONS.find_errors({}, connector) == {}


@pytest.mark.parametrize(
    ("connector", "kind"),
    [("salesforce", "soql"), ("pipedrive", "pipedrive_summary"), ("app", "own")],
)
def test_the_default_query_is_that_of_the_jobs_system(connector, kind):
    assert parse_report_options({}, connector).query.kind == kind


def test_the_demos_report_of_last_weeks_sales_is_valid():
    (job,) = [job for job in JOBS if job["name"] == WEEKLY_SALES]
    assert REPORT_OPTIONS.find_errors(job["options"], "salesforce") == {}
    assert (job["cron"], job["kind"]) == ("0 9 * * 1", "report")
    options = parse_report_options(job["options"], "salesforce")
    assert (options.period, options.query.split) == ("last_week", "day")
    assert [measure.function for measure in options.query.measures] == ["count", "sum"]


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ([], ""),
        ({"perod": "last_week"}, "perod"),
        ({"period": "next_week"}, "period"),
        ({"period": ["last_week"]}, "period"),
        ({"query": {"kind": "sql"}}, "query.kind"),
        ({"query": {"kind": []}}, "query.kind"),
        ({"query": {"kind": "pipedrive_summary"}}, "query.kind"),
        ({"query": {"kind": "soql", "object": "Order; DROP"}}, "query.object"),
        ({"query": {"kind": "soql", "measures": []}}, "query.measures"),
        ({"query": {"measures": [{"function": "median"}]}}, "query.measures[0].function"),
        ({"query": {"measures": [{"function": "sum"}]}}, "query.measures[0].field"),
        ({"query": {"measures": MEASURES * 2}}, "query.measures[1].name"),
        ({"query": {"where": {"Status = 'x' OR Id": "1"}}}, "query.where.Status = 'x' OR Id"),
        ({"query": {"kind": "soql", "where": {"since": "1"}}}, "query.where.since"),
        ({"query": {"kind": "soql", "where": {"credential": "1"}}}, "query.where.credential"),
        ({"query": {"kind": "soql", "where": {"self": "1"}}}, "query.where.self"),
        ({"query": {"kind": "soql", "where": {"conditions": "1"}}}, "query.where.conditions"),
        ({"query": {"kind": "soql", "conditions": {"field": "Status"}}}, "query.conditions"),
        ({"query": {"kind": "soql", "conditions": [{"is": "null"}]}}, "query.conditions[0].field"),
        (
            {"query": {"kind": "soql", "conditions": [{"field": "A", "is": "like"}]}},
            "query.conditions[0].is",
        ),
        ({"query": {"group_by": "Status", "split": "day"}}, "query.group_by"),
        ({"query": {"kind": "own", "count": "events", "group_by": "state"}}, "query.group_by"),
        ({"period": "last_quarter", "query": {"split": "day"}}, "query.split"),
        ({"chart": {"show": 1}}, "chart.show"),
        ({"chart": {"measure": "None"}}, "chart.measure"),
        ({"message": {"connector": "fax"}}, "message.connector"),
        ({"message": {"connector": "app", "action": "send_event"}}, "message.connector"),
        ({"message": {"action": "dance"}}, "message.action"),
        ({"message": {"action": "update_message"}}, "message.mapping"),
        ({"message": {"mapping": {"text": "data.["}}}, "message.mapping"),
        ({"message": {"mapping": "data"}}, "message.mapping"),
        ({"title": "a\x00b"}, "title"),
        ({"title": "x" * 201}, "title"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(options, path):
    assert path in REPORT_OPTIONS.find_errors(options, "salesforce")


def test_a_quarter_is_split_into_months_by_default():
    assert parse_report_options({"period": "last_quarter"}, "salesforce").query.split == "month"
