"""Reading to the end: never endlessly, and never complete where something may be missing."""

from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.http import Response, dump_json
from connectors.registry import CONNECTORS
from connectors.roles import Collection
from hub.connections.models import Connection
from hub.scheduled.insight.log_texts import LOG_TEXTS
from hub.scheduled.reading.position import InvalidPosition
from hub.scheduled.runs.context import RunBlocked, RunFailed
from tests.connectors.recorded import NOON
from tests.hub.scheduled.reading.fake_run import FakeRun, answer, ids, orders, read_all_pages

CUT = Response(200, b'{"orders": [', at=NOON, is_truncated=True)
SALESFORCE = Connection(connector_key="salesforce")
PIPEDRIVE = Connection(
    connector_key="pipedrive", settings={"api_domain": "https://acme.pipedrive.com"}
)
DEALS = next(one for one in CONNECTORS["pipedrive"].collections if one.key == "deals")
SUMS = {"object": "Order", "select": "SUM(TotalAmount) total"}
RUBBISH = Response(200, b"\xff\xfe<html>", at=NOON)


def test_a_collection_is_read_to_its_end():
    pages = read_all_pages(run := FakeRun(orders("A-1", "A-2", after="A-2"), orders("A-3")))
    assert ids(pages) == ["A-1", "A-2", "A-3"]
    assert [(page.is_complete, bool(page.cursor)) for page in pages] == [
        (True, True),
        (True, False),
    ]
    assert ["after=A-2" in request.url for request in run.requests] == [False, True]


def test_a_read_goes_on_after_a_restart_and_reads_no_page_again():
    first, *_ = read_all_pages(FakeRun(orders("A-1", after="A-1")), until=1)
    pages = read_all_pages(run := FakeRun(orders("A-2")), cursor=first.cursor)
    assert ids(pages) == ["A-2"] and pages[-1].is_complete
    assert "after=A-1" in run.requests[0].url


@pytest.mark.parametrize(
    ("answers", "is_complete", "reason"),
    [
        ([orders("A-2")], True, ""),
        ([orders(), orders("A-2")], True, ""),
        ([orders("A-9"), orders("A-2")], False, "changed_meanwhile"),
        ([RUBBISH, RUBBISH, RUBBISH, orders("A-2")], False, "changed_meanwhile"),
    ],
)
def test_after_a_long_interruption_changed_data_make_it_incomplete(answers, is_complete, reason):
    (first,) = read_all_pages(FakeRun(orders("A-1", after="A-1")), until=1)
    run = FakeRun(*answers)
    run.wait(minutes=0 if len(answers) == 1 else 10)
    pages = read_all_pages(run, cursor=first.cursor)
    assert (pages[-1].is_complete, pages[-1].reason) == (is_complete, reason)
    assert ids(pages) == ["A-2"]


def test_what_was_incomplete_before_a_restart_stays_incomplete():
    (first,) = read_all_pages(FakeRun(*[orders("A-1", after="A-1", count=2)] * 3), until=1)
    assert not first.is_complete and first.cursor
    pages = read_all_pages(FakeRun(orders("A-2")), cursor=first.cursor)
    assert (pages[-1].is_complete, pages[-1].reason) == (False, "fewer_records")


@pytest.mark.parametrize(("page", "reason"), [(CUT, "cut"), (RUBBISH, "unreadable")])
def test_a_page_that_cannot_be_read_is_asked_again_and_then_ends_the_read(page, reason):
    assert read_all_pages(FakeRun(page, page, orders("A-1")))[-1].is_complete
    pages = read_all_pages(FakeRun(orders("A-1", after="A-1"), page, page, page))
    assert ids(pages) == ["A-1"]
    assert (pages[-1].is_complete, pages[-1].reason, pages[-1].cursor) == (False, reason, "")
    assert f"read_{reason}" in LOG_TEXTS


def test_the_log_of_the_run_says_once_why_a_read_is_incomplete():
    run = FakeRun(*[orders("A-1", after="A-1", count=2)] * 3, *[RUBBISH] * 3)
    (first, last) = read_all_pages(run)
    assert run.log_lines == [("read_fewer_records", {"collection": "orders"})]
    assert (first.reason, last.reason) == ("fewer_records", "fewer_records")
    assert read_all_pages(later := FakeRun(orders("A-2")), cursor=first.cursor)[-1].reason
    assert later.log_lines == []


def test_a_page_that_is_too_large_is_asked_in_smaller_ones():
    read_all_pages(run := FakeRun(CUT, orders("A-1", after="A-1"), orders("A-2")))
    sizes = [parse_qs(urlsplit(request.url).query)["limit"] for request in run.requests]
    assert sizes == [["2000"], ["500"], ["500"]]


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (lambda request: orders("A-1", after="A-1"), "cursor_repeated"),
        (lambda request: orders("A-1", after=f"A-{id(request)}"), "page_repeated"),
        (lambda request: orders(after=f"A-{id(request)}"), "no_progress"),
    ],
)
def test_a_read_without_progress_ends(page, reason):
    run = FakeRun(*[page] * 100)
    pages = read_all_pages(run)
    assert len(pages) <= Collection.empty_pages_max + 1
    assert (pages[-1].is_complete, pages[-1].reason, pages[-1].cursor) == (False, reason, "")
    assert f"read_{reason}" in LOG_TEXTS


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        (["A-1", {"number": "A-2", "tenant": "acme"}], "not_a_record"),
        ([{"tenant": "acme"}, {"number": "A-2", "tenant": "acme"}], "no_id"),
        ([{"number": "A" * 201, "tenant": "acme"}, {"number": "A-2", "tenant": "acme"}], "no_id"),
        (
            [{"number": "A-1", "tenant": "globex"}, {"number": "A-2", "tenant": "acme"}],
            "other_tenant",
        ),
        ([{"number": "A-1"}, {"number": "A-2", "tenant": "acme"}], "other_tenant"),
        (
            [
                {"number": "A-1", "tenant": "acme", "version": "x" * 300},
                {"number": "A-2", "tenant": "acme"},
            ],
            "invalid_version",
        ),
    ],
)
def test_a_record_that_cannot_be_used_is_left_out_and_the_read_incomplete(records, reason):
    pages = read_all_pages(FakeRun(answer({"orders": records, "count": 2, "next_after": None})))
    assert ids(pages) == ["A-2"]
    assert (pages[-1].is_complete, pages[-1].reason) == (False, reason)
    assert f"read_{reason}" in LOG_TEXTS


def test_a_job_cannot_ask_for_another_tenant_or_place():
    read_all_pages(run := FakeRun(orders()), query={"tenant": "globex", "cursor": "A-9", "at": "x"})
    assert "tenant=acme" in run.requests[0].url
    assert "globex" not in run.requests[0].url and "A-9" not in run.requests[0].url


def test_a_refused_first_page_fails_the_run_and_a_later_one_ends_the_read():
    with pytest.raises(RunFailed) as failure:
        read_all_pages(FakeRun(Response(404)))
    assert (failure.value.reason, failure.value.can_retry) == ("status_404", False)
    pages = read_all_pages(FakeRun(orders("A-1", after="A-1"), Response(404)))
    assert (ids(pages), pages[-1].is_complete, pages[-1].reason) == (["A-1"], False, "status_404")


@pytest.mark.parametrize(("status", "error"), [(500, RunFailed), (401, RunBlocked)])
def test_an_answer_that_may_be_another_later_never_ends_the_read(status, error):
    with pytest.raises(error):
        read_all_pages(FakeRun(orders("A-1", after="A-1"), Response(status)))


def test_a_permission_that_is_missing_blocks_the_run():
    records = next(one for one in CONNECTORS["salesforce"].collections if one.key == "records")
    message = "This session is not valid for use with the REST API"
    refusal = [{"errorCode": "INVALID_SESSION_ID", "message": message}]
    run = FakeRun(Response(401, dump_json(refusal)))
    run.app = None
    with pytest.raises(RunBlocked) as blocked:
        read_all_pages(
            run, records, connection=SALESFORCE, query={"object": "Order", "fields": "Id"}
        )
    assert blocked.value.reason == "permission_missing"


@pytest.mark.parametrize("cursor", ["x", "{}", '["a"]', "null"])
def test_a_cursor_of_something_else_is_refused(cursor):
    with pytest.raises(InvalidPosition):
        read_all_pages(FakeRun(orders()), cursor=cursor)


def test_sums_are_read_too_though_they_have_no_ids():
    aggregate = next(one for one in CONNECTORS["salesforce"].collections if one.key == "aggregate")
    body = {"totalSize": 1, "done": True, "records": [{"total": 25.5}]}
    run = FakeRun(answer(body))
    run.app = None
    (page,) = read_all_pages(run, aggregate, connection=SALESFORCE, query=SUMS)
    assert page.records == [{"total": 25.5}] and page.is_complete


class Shop:
    """Our application with orders that come and go while they are read, two on a page."""

    def __init__(self, count):
        self.numbers = [f"A-{number:02}" for number in range(count)]
        self.asked = []

    def __call__(self, request):
        after = parse_qs(urlsplit(request.url).query).get("after", [""])[0]
        self.asked.append(after)
        following = [number for number in self.numbers if number > after]
        return orders(*following[:2], after=following[1] if len(following) > 2 else None)


@pytest.mark.parametrize("page_count", range(1, 5))
def test_a_read_that_is_stopped_after_any_page_reads_each_page_once(page_count):
    shop = Shop(9)
    before = read_all_pages(FakeRun(*[shop] * 9), until=page_count)
    after = read_all_pages(FakeRun(*[shop] * 9), cursor=before[-1].cursor)
    assert ids(before + after) == shop.numbers and after[-1].is_complete
    assert len(shop.asked) == len(set(shop.asked)) == 5


@pytest.mark.parametrize("gone", range(9))
def test_an_order_that_goes_while_it_is_read_hides_no_other(gone):
    shop = Shop(9)
    before = read_all_pages(FakeRun(*[shop] * 9), until=2)
    removed = shop.numbers.pop(gone)
    after = read_all_pages(FakeRun(*[shop] * 9), cursor=before[-1].cursor)
    assert set(ids(before + after)) - {removed} == set(shop.numbers)


# --- a collection of several lists ----------------------------------------------------------------


def deals(*numbers, after=None):
    return answer(
        {
            "success": True,
            "data": [{"id": number} for number in numbers],
            "additional_data": {"next_cursor": after},
        }
    )


def read_deals(run, **options):
    return read_all_pages(run, DEALS, connection=PIPEDRIVE, **options)


def paths_of(run):
    return [urlsplit(request.url).path.rpartition("/v2/")[2] for request in run.requests]


def test_archived_deals_are_read_after_the_others():
    pages = read_deals(run := FakeRun(deals(1, after="a"), deals(2), deals(3, after="b"), deals(4)))
    assert [record["id"] for page in pages for record in page.records] == [1, 2, 3, 4]
    assert paths_of(run) == ["deals", "deals", "deals/archived", "deals/archived"]
    assert pages[-1].is_complete
    assert ["cursor=" in request.url for request in run.requests] == [False, True, False, True]


@pytest.mark.parametrize("pages_before", [1, 2, 3])
def test_a_read_goes_on_in_the_list_where_it_was(pages_before):
    answers = [deals(1, after="a"), deals(2), deals(3, after="b"), deals(4)]
    before = read_deals(FakeRun(*answers[:pages_before]), until=pages_before)
    pages = read_deals(FakeRun(*answers[pages_before:]), cursor=before[-1].cursor)
    read_ids = [record["id"] for page in [*before, *pages] for record in page.records]
    assert read_ids == [1, 2, 3, 4]


def test_after_a_long_interruption_a_change_of_an_archived_deal_counts():
    (first,) = read_deals(FakeRun(deals(1, after="a")), until=1)
    run = FakeRun(deals(), deals(7), deals(2), deals())
    run.wait(minutes=10)
    assert read_deals(run, cursor=first.cursor)[-1].reason == "changed_meanwhile"


def test_a_list_that_cannot_be_read_makes_the_read_incomplete():
    pages = read_deals(FakeRun(deals(1), RUBBISH, RUBBISH, RUBBISH))
    assert (pages[-1].is_complete, pages[-1].reason) == (False, "unreadable")
