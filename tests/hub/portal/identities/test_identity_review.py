"""People are reviewed in queues: suggested pairs fifty at a time, the others by hand."""

import pytest
from django.utils import timezone

from hub.identities.models import DirectoryEntry, DirectoryRead, LocalUser, SuggestionRun
from hub.identities.tasks import suggest_pairs
from hub.mappings.models import Identity
from hub.outgoing.models import Delivery
from hub.outgoing.release import release_held_deliveries
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump
from tests.markup import normalize_markup

pytestmark = pytest.mark.django_db
LATER = NOON + MINUTE


@pytest.fixture
def slack(make, acme):
    return make.connection(acme, "slack", secret={"access_token": "x"}, account="T1")


def url_of(connection, rest=""):
    return f"/t/acme/connections/{connection.public_id}/identities/review/{rest}"


def text_of(answer):
    return normalize_markup(answer.content.decode())


def add_people(connection, count=3):
    users = [
        LocalUser(
            tenant=connection.tenant,
            user_id=f"u-{number:03d}",
            name=f"Person {number}",
            email=f"person{number}@acme.example",
        )
        for number in range(count)
    ]
    entries = [
        DirectoryEntry(
            connection=connection,
            remote_id=f"U{number:08d}",
            name=f"Person {number}",
            email=f"person{number}@acme.example",
        )
        for number in range(count)
    ]
    LocalUser.unscoped.bulk_create(users)
    DirectoryEntry.unscoped.bulk_create(entries)


def add_identity(connection, local_id, state, **fields):
    return Identity.unscoped.create(
        connection=connection, kind="user", local_id=local_id, state=state, **fields
    )


def test_a_row_in_which_a_person_was_chosen_needs_no_tick(admin, slack):
    add_people(slack)
    for number in range(3):
        add_identity(slack, f"u-{number:03d}", "unmatched", remote_id="")
    data = {"queue": "unmatched", "choice:u-001": " U00000001 ", "choice:u-002": ""}
    answer = admin.post(url_of(slack, "confirm"), data, follow=True)
    assert "1 pair is confirmed" in text_of(answer)
    assert Identity.confirmed().get().local_id == "u-001"


def test_a_choice_that_another_prevents_stops_no_other(admin, slack, make):
    add_people(slack, 4)
    for local_id, remote_id in (("u-002", "U00000001"), ("u-003", "U00000002")):
        make.identity(slack, "user", local_id, remote_id)
    data = {"choice:u-001": "U00000001", "choice:u-002": "U00000002", "choice:u-000": "U00000000"}
    text = text_of(admin.post(url_of(slack, "confirm"), data, follow=True))
    assert "1 pair is confirmed" in text and "Already paired with u-003" in text


def test_without_people_the_page_says_what_comes_first(admin, slack):
    text = text_of(admin.get(url_of(slack)))
    assert "Nothing to review here" in text
    assert "not read yet" in text


def stop_lists(slack):
    """Stop the lists of both sides, which left out everyone."""
    for connection in (None, slack):
        DirectoryRead.unscoped.create(
            tenant=slack.tenant,
            connection=connection,
            state="incomplete",
            reason="safety_valve",
            stopped_count=3,
            started_at=timezone.now() + MINUTE,
            finished_at=timezone.now() + MINUTE,
        )


def test_a_list_that_the_safety_valve_stopped_is_confirmed_on_the_page(admin, slack):
    add_people(slack)
    stop_lists(slack)
    text = text_of(admin.get(url_of(slack)))
    assert "leaves out 3 active ones" in text and "Confirm the list, deactivate 3" in text
    assert "Of 3 active ones it leaves out 3" in text and "<li>Person 2" in text
    answer = admin.post(url_of(slack, "deactivate-ours"), {"count": 3}, follow=True)
    assert "The users that the list left out are deactivated." in text_of(answer)
    assert not LocalUser.unscoped.filter(is_active=True).exists()
    assert DirectoryEntry.unscoped.filter(is_active=True).count() == 3
    admin.post(url_of(slack, "deactivate-theirs"), {"count": 3})
    assert not DirectoryEntry.unscoped.filter(is_active=True).exists()
    again = text_of(admin.post(url_of(slack, "deactivate-theirs"), {"count": 3}, follow=True))
    assert "No list of people waits for a confirmation." in again


@pytest.mark.parametrize("side", ["theirs", "ours"])
def test_a_list_that_the_safety_valve_stopped_is_rejected_on_the_page(admin, slack, side):
    add_people(slack)
    stop_lists(slack)
    answer = admin.post(url_of(slack, f"keep-{side}"), {"count": 2}, follow=True)
    assert "Another list was stopped meanwhile." in text_of(answer)
    answer = admin.post(url_of(slack, f"keep-{side}"), {"count": 3}, follow=True)
    text = text_of(answer)
    assert "The list is rejected, and everyone stays active." in text
    assert "The list was rejected, and no account was deactivated." in text
    assert text.count("Confirm the list") == 1  # the other side waits
    assert not DirectoryEntry.unscoped.filter(is_active=False).exists()
    assert not LocalUser.unscoped.filter(is_active=False).exists()


@pytest.mark.parametrize("verb", ["keep-ours", "deactivate-ours", "keep-theirs"])
def test_a_member_decides_about_no_list(member, slack, verb):
    add_people(slack)
    stop_lists(slack)
    assert "Reject the list" not in text_of(member.get(url_of(slack)))
    assert member.post(url_of(slack, verb), {"count": 3}).status_code == 403
    assert DirectoryRead.unscoped.filter(stopped_count=3).count() == 2


def test_suggested_pairs_are_confirmed_together_and_release_what_was_held_once(admin, make, slack):
    add_people(slack)
    body = {"channel": "identity('user', data.owner)", "text": "type"}
    mapping = make.mapping(slack.tenant, "slack", "post_message", body)
    route = make.route(slack, connector="slack", mapping=mapping)
    delivery = make.event(slack.tenant, data={"owner": "u-001"}).deliveries.get()
    pump(FakeHttp())
    delivery.refresh_from_db()
    assert (delivery.route, delivery.reason) == (route, "identity_missing")
    page = suggest(admin, slack)
    assert [row.identity.state for row in page.context["rows"]] == ["suggested"] * 3
    selected = [row.identity.local_id for row in page.context["rows"]]
    answer = admin.post(url_of(slack, "confirm"), {"selected": selected}, follow=True)
    assert "3 pairs are confirmed" in text_of(answer)
    assert Identity.confirmed().count() == 3
    Identity.unscoped.update(updated_at=LATER)
    assert release_held_deliveries(now=LATER) == 1
    assert release_held_deliveries(now=LATER) == 0
    assert Delivery.unscoped.get(pk=delivery.pk).state == "waiting"


def suggest(admin, connection):
    """Press the button, and let the worker do it; return the page."""
    admin.post(url_of(connection, "suggest"))
    suggest_pairs(f"suggest:{SuggestionRun.unscoped.get(connection=connection).pk}")
    return admin.get(url_of(connection))


def test_pairs_are_suggested_in_the_background_with_progress(admin, slack):
    add_people(slack)
    text = text_of(admin.post(url_of(slack, "suggest"), follow=True))
    assert "Your users are being matched with those of the other system." in text
    assert "The matching is queued. You can leave this page." in text
    assert '<noscript><p><a href="">Refresh</a></p></noscript>' in text
    assert not Identity.unscoped.exists()
    assert "HX-Refresh" not in admin.get(url_of(slack, "reads"))
    text = text_of(suggest(admin, slack))
    assert "matched" in text and "Suggested (3)" in text and "Refresh" not in text
    assert admin.get(url_of(slack, "reads"))["HX-Refresh"] == "true"


def test_a_matching_that_failed_says_what_to_do(admin, slack):
    times = {"requested_at": NOON, "started_at": NOON, "finished_at": NOON}
    SuggestionRun.unscoped.create(connection=slack, state="failed", **times)
    assert "Suggest pairs again; if it fails again, contact support." in text_of(
        admin.get(url_of(slack))
    )


def test_of_an_ambiguous_user_a_candidate_is_chosen(admin, slack):
    add_people(slack)
    candidates = [
        {"remote_id": f"U{number:08d}", "source": "name", "confidence": 0.5} for number in (1, 2)
    ]
    evidence = {"reason": "two_candidates", "candidates": candidates}
    add_identity(slack, "u-001", "ambiguous", conflict="two_candidates", evidence=evidence)
    page = admin.get(url_of(slack), {"queue": "ambiguous"})
    (row,) = page.context["rows"]
    assert [person.remote_id for person in row.candidates] == ["U00000001", "U00000002"]
    wish = {"selected": "u-001", "choice:u-001": "U00000002", "queue": "ambiguous"}
    admin.post(url_of(slack, "confirm"), wish)
    assert Identity.confirmed().get().remote_id == "U00000002"


def test_what_cannot_be_confirmed_has_its_error_and_stops_no_other(admin, slack):
    add_people(slack)
    add_identity(slack, "u-000", "unmatched")
    add_identity(slack, "u-001", "suggested", remote_id="U00000001")
    selected = {"selected": ["u-000", "u-001"]}
    answer = admin.post(url_of(slack, "confirm"), selected, follow=True)
    assert "u-000: Nothing is suggested. Choose a record." in text_of(answer)
    assert Identity.confirmed().get().local_id == "u-001"


def test_a_user_is_ignored_and_put_back(admin, slack):
    identity = add_identity(slack, "u-001", "unmatched")
    admin.post(url_of(slack, "ignore"), {"selected": "u-001"})
    identity.refresh_from_db()
    assert identity.state == "ignored"
    admin.post(url_of(slack, "reopen"), {"selected": "u-001"})
    identity.refresh_from_db()
    assert identity.state == "unmatched"


@pytest.mark.parametrize("verb", ["confirm", "ignore", "reopen", "keep"])
def test_a_decision_about_nothing_says_so(admin, slack, verb):
    answer = admin.post(url_of(slack, verb), follow=True)
    assert "Select at least one row" in text_of(answer)


def test_an_unknown_queue_or_verb_is_not_there(admin, slack):
    assert admin.get(url_of(slack), {"queue": "best"}).status_code == 404
    assert admin.post(url_of(slack, "guess")).status_code == 404


def test_a_member_who_may_not_manage_reads_only(member, slack):
    add_identity(slack, "u-001", "suggested", remote_id="U00000001")
    assert "Confirm the selected pairs" not in text_of(member.get(url_of(slack)))
    assert member.post(url_of(slack, "confirm"), {"selected": "u-001"}).status_code == 403
    assert not Identity.confirmed().exists()


@pytest.mark.parametrize("queue", ["suggested", "unmatched"])
def test_a_page_has_fifty_and_takes_a_fixed_number_of_statements(
    admin, slack, queue, django_assert_num_queries, django_assert_max_num_queries
):
    add_people(slack, 120)
    for number in range(120):
        add_identity(slack, f"u-{number:03d}", queue)
    with django_assert_max_num_queries(16):
        page = admin.get(url_of(slack), {"queue": queue})
    assert len(page.context["rows"]) == 50
    following = admin.get(url_of(slack) + page.context["older"])
    assert following.context["rows"][0].identity.local_id == "u-050"
    found = admin.get(url_of(slack), {"queue": queue, "q": "person 11"})
    assert len(found.context["rows"]) == 11
