"""What every collection promises: nothing that a system answers makes a cut page a whole one, and
no record breaks a reader.
"""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.http import Response, Unreadable, dump_json
from connectors.outcomes import READ_ERRORS, Outcome
from connectors.registry import CONNECTORS
from connectors.roles import Page
from tests.connectors.recorded import NOON, credential

STAMP, IN_HELSINKI = "2026-11-25T12:00:00Z", "2026-11-25T14:00:00+02:00"
ID = "801000000000001AAA"
# a page of two records of each collection that is read to its end
RECORDS = [{"number": "A-1", "id": "1", "updated_at": STAMP, "tenant": "acme", "version": 1}] * 2
PAGES = {
    **{
        ("app", key): {key: RECORDS, "count": 2, "next_after": "A-1"}
        for key in ("orders", "customers", "users", "labels", "logs")
    },
    **{
        ("pipedrive", key): {
            "success": True,
            "data": [{"id": 1, "update_time": STAMP, "is_deleted": False}] * 2,
            "additional_data": {"next_cursor": "eyJ9"},
        }
        for key in ("persons", "organizations", "deals", "activities")
    },
    ("salesforce", "records"): {
        "totalSize": 5,
        "done": False,
        "records": [{"Id": ID, "SystemModstamp": STAMP}] * 2,
    },
}
ALL = [
    (connector, collection)
    for connector in CONNECTORS.values()
    for collection in connector.collections
]
READ = [
    (connector, collection)
    for connector, collection in ALL
    if (connector.key, collection.key) in PAGES
]


def name(connector, collection):
    return f"{connector.key}-{collection.key}"


each = pytest.mark.parametrize(("connector", "collection"), ALL, ids=[name(*pair) for pair in ALL])
each_read = pytest.mark.parametrize(
    ("connector", "collection"), READ, ids=[name(*pair) for pair in READ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
FIELDS = ("id", "Id", "number", "version", "updated_at", "update_time", "SystemModstamp")
records = st.dictionaries(st.sampled_from((*FIELDS, "IsDeleted", "deleted", "name")), values)


def page_of(connector, collection, **query):
    given = {**collection.example, **query}
    return collection.page_request(credential(connector.key), at=NOON, **given)


@each_read
def test_a_page_asks_for_as_many_records_as_its_collection_says(connector, collection):
    smaller = type(collection)()
    smaller.page_size = 300
    request = page_of(connector, smaller)
    assert "300" in f"{request.url} {request.headers}"


def test_every_collection_that_is_read_to_its_end_is_tried():
    to_the_end = {
        (connector.key, collection.key)
        for connector, collection in ALL
        if collection.has_ids and collection.reads_changes
    }
    assert to_the_end == set(PAGES)


@each
def test_reads_and_never_writes(connector, collection):
    request = page_of(connector, collection)
    assert request.method == "GET" or connector.key == "slack"
    assert request.spends and 0 < request.response_bytes_max <= 8 * 1024 * 1024
    assert collection.page_size > 0 and collection.label and collection.help


@each_read
def test_a_whole_page_is_complete_and_goes_on_where_it_ends(connector, collection):
    body = PAGES[connector.key, collection.key]
    page = collection.parse_page(Response(200, dump_json(body), at=NOON))
    assert (len(page.records), page.is_complete) == (2, True)
    assert page.cursor
    request = page_of(connector, collection, cursor=page.cursor)
    assert urlsplit(request.url).netloc == urlsplit(page_of(connector, collection).url).netloc


@each_read
def test_a_page_that_is_cut_anywhere_is_never_complete(connector, collection):
    body = dump_json(PAGES[connector.key, collection.key])
    for length in range(len(body)):
        with pytest.raises(Unreadable):
            collection.parse_page(Response(200, body[:length], at=NOON))


@each_read
@pytest.mark.parametrize("kept", [0, 1])
def test_a_page_that_lost_records_is_not_complete_where_the_system_counts_them(
    connector, collection, kept
):
    body = json.loads(dump_json(PAGES[connector.key, collection.key]))
    (listed,) = (key for key, value in body.items() if isinstance(value, list))
    body |= {listed: body[listed][:kept], "done": True}
    page = collection.parse_page(Response(200, dump_json(body), at=NOON))
    assert page.is_complete == (connector.key == "pipedrive")  # it does not count


@each
@settings(deadline=None)
@given(record=records)
def test_no_record_breaks_a_reader(connector, collection, record):
    changed_at = collection.changed_at(record)
    assert changed_at is None or changed_at.tzinfo is UTC
    assert isinstance(collection.version(record), str)
    assert collection.is_deleted(record) in (True, False)
    try:
        assert isinstance(collection.record_id(record), str)
    except (*READ_ERRORS, NotImplementedError):
        pass


@each_read
@settings(deadline=None)
@given(
    changes=st.dictionaries(
        st.sampled_from(
            (
                "done",
                "totalSize",
                "count",
                "next_after",
                "success",
                "additional_data",
                "data",
                "records",
                "orders",
            )
        ),
        values,
        min_size=1,
    )
)
def test_a_page_with_anything_wrong_is_read_or_unreadable(connector, collection, changes):
    body = {**PAGES[connector.key, collection.key], **changes}
    try:
        read = collection.parse_page(Response(200, json.dumps(body).encode(), at=NOON))
    except Unreadable:
        return
    assert isinstance(read, Page | Outcome)


@each_read
@pytest.mark.parametrize(
    "cursor", ["//evil.example/", "https://evil.example", "x&y=1", "' OR Id", "é"]
)
def test_a_cursor_leads_nowhere_else(connector, collection, cursor):
    plain = page_of(connector, collection)
    try:
        request = page_of(connector, collection, cursor=cursor)
    except ValueError:
        return
    assert urlsplit(request.url)[:3] == urlsplit(plain.url)[:3]
    assert request.url.isascii() and "&y=1" not in request.url


@each_read
def test_an_interval_needs_times_with_their_offset(connector, collection):
    for bound in ("since", "until"):
        assert page_of(connector, collection, **{bound: NOON.isoformat()}).url
        for wrong in ("2026-11-25T12:00:00", "yesterday", "1"):
            with pytest.raises(ValueError, match=r"\w"):
                page_of(connector, collection, **{bound: wrong})


@each_read
def test_single_records_and_deleted_ones_are_asked_for_where_the_system_has_them(
    connector, collection
):
    ids = [ID, "801000000000002AAA"] if connector.key == "salesforce" else ["1", "2"]
    plain = page_of(connector, collection).url
    assert (
        collection.ids_max >= 2 and page_of(connector, collection, ids=",".join(ids)).url != plain
    )
    deleted = page_of(connector, collection, deleted="true").url
    assert (deleted != plain) == collection.reads_deleted


@each_read
def test_the_same_instant_is_the_same_time_in_every_zone(connector, collection):
    (record, *_) = next(
        value for value in PAGES[connector.key, collection.key].values() if isinstance(value, list)
    )
    at = datetime(2026, 11, 25, 12, tzinfo=UTC)
    assert collection.changed_at(record) == at
    zoned = {
        key: "2026-11-25T14:00:00+02:00" if value == STAMP else value
        for key, value in record.items()
    }
    assert collection.changed_at(zoned) - at == timedelta(0)
