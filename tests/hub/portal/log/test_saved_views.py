"""Views of the log that a team keeps: by name, for all of it, changed by whoever manages."""

import pytest

from hub.audit import AuditRow
from hub.portal.log.saved_views import MAX_SAVED_VIEWS, extract_log_filters
from hub.portal.models import SavedView
from tests.hub.portal.query_counts import count_queries

pytestmark = pytest.mark.django_db
LOG, SAVE = "/t/acme/events/", "/t/acme/events/views"


def test_what_narrows_the_log_is_kept_by_name_and_found_by_the_team(admin, member):
    html = admin.get(f"{LOG}?state=failed&type=order.*&after=x&live=off").content.decode()
    assert 'name="query" value="state=failed&amp;type=order.%2A"' in html
    answer = admin.post(SAVE, {"name": "Lost orders", "query": "state=failed&type=order.*&after=x"})
    assert answer["Location"] == f"{LOG}?state=failed&type=order.%2A"
    page = member.get(answer["Location"]).content.decode()
    assert "Lost orders" in page and 'aria-current="page"' in page and "Save the view" not in page
    assert AuditRow.objects.get(verb="view.save").after["query"] == "state=failed&type=order.%2A"


def test_the_same_name_again_replaces_it(admin, acme, make):
    make.saved_view(acme, "view 1")
    admin.post(SAVE, {"name": "view 1", "query": "state=held"})
    assert SavedView.objects.of(acme).get().query == "state=held"


@pytest.mark.parametrize(
    "said", [{"name": "x"}, {"query": "state=failed"}, {"name": "x", "query": "after=1&evil=2"}]
)
def test_without_a_name_or_a_filter_nothing_is_kept(admin, said):
    assert "Not saved" in admin.post(SAVE, said, follow=True).content.decode()
    assert not SavedView.unscoped.exists()


def test_a_team_has_only_so_many(admin, acme, make):
    for number in range(MAX_SAVED_VIEWS):
        make.saved_view(acme, f"View {number}")
    assert (
        "Remove one first"
        in admin.post(SAVE, {"name": "x", "query": "state=failed"}, follow=True).content.decode()
    )
    assert SavedView.objects.of(acme).count() == MAX_SAVED_VIEWS


def test_a_view_is_removed_and_that_is_audited(admin, acme, make):
    view = make.saved_view(acme)
    admin.post(f"{SAVE}/{view.public_id}/remove")
    assert (
        not SavedView.unscoped.exists()
        and AuditRow.objects.get(verb="view.remove").before["name"] == "view 1"
    )


def test_a_member_reads_and_keeps_nothing(member, acme, make):
    view = make.saved_view(acme)
    assert member.post(SAVE, {"name": "x", "query": "state=failed"}).status_code == 403
    assert member.post(f"{SAVE}/{view.public_id}/remove").status_code == 403


def test_a_view_of_another_tenant_cannot_be_removed(admin, globex, make):
    view = make.saved_view(globex)
    assert admin.post(f"{SAVE}/{view.public_id}/remove").status_code == 404


def test_what_is_longer_than_a_view_may_be_is_none():
    assert (
        extract_log_filters("value=" + "x" * 2000) == ""
        and extract_log_filters("state=failed") == "state=failed"
    )


def test_views_cost_one_question_however_many_there_are(admin, acme, make):
    none = count_queries(admin, LOG)
    for number in range(MAX_SAVED_VIEWS):
        make.saved_view(acme, f"View {number}")
    assert count_queries(admin, LOG) == none
