import pytest

from hub.scheduled.sync.options import SYNC_OPTIONS, parse_sync_options


def test_a_sync_of_pipedrive_reads_new_persons_by_default():
    assert SYNC_OPTIONS.find_errors({}, "pipedrive") == {}
    options = parse_sync_options({}, "pipedrive")
    assert (options.collection, options.changes) == ("persons", ("created",))


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ([], ""),
        ({"colection": "persons"}, "colection"),
        ({"collection": "deals_summary"}, "collection"),
        ({"collection": []}, "collection"),
        ({"changes": []}, "changes"),
        ({"changes": ["deleted"]}, "changes"),
        ({"changes": "created"}, "changes"),
        ({"overlap_minutes": 0}, "overlap_minutes"),
        ({"overlap_minutes": True}, "overlap_minutes"),
        ({"lookback_hours": 721}, "lookback_hours"),
        ({"query": {"since": "2026-01-01T00:00:00Z"}}, "query.since"),
        ({"query": {"owner_id": 7}}, "query.owner_id"),
        ({"query": {"credential": "x"}}, "query.credential"),
        ({"query": {"self": "x"}}, "query.self"),
        ({"query": []}, "query"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(options, path):
    assert path in SYNC_OPTIONS.find_errors(options, "pipedrive")


@pytest.mark.parametrize("connector", ["slack", "splunk", "webhook"])
def test_a_system_without_readable_changes_has_no_sync(connector):
    errors = SYNC_OPTIONS.find_errors({"collection": "persons"}, connector)
    assert errors == {"": "The changes of this system cannot be read."}
