"""Own endpoints: added, read, told which events they get, their secret, a test, what they
missed.
"""

import pytest
from django.utils import timezone

from connectors.signatures import valid_signing_secrets
from hub.audit import ActorContext, AuditRow
from hub.connections.credentials.signing_secrets import read_signing_status
from hub.connections.models import Connection, Credential
from hub.operations.models import Operation
from hub.outgoing.models import Attempt, Delivery, Route
from hub.outgoing.subscriptions.endpoint_routes import load_endpoint_routes, subscribe_endpoint
from tests.factories import NOON, WHSEC
from tests.hub.outgoing.operating import put
from tests.hub.portal.query_counts import count_queries
from tests.journeys.docs import ROOT, find_snippet
from tests.tenants.door import come_as_guest

pytestmark = pytest.mark.django_db
LIST = "/t/acme/endpoints/"


@pytest.fixture
def endpoint(make, acme):
    return make.connection(acme, name="Own endpoint")


@pytest.fixture
def guest(client, make, acme):
    """An admin by our own application's word."""
    come_as_guest(client, make.portal_link(acme))
    return client


def page_of(endpoint, more=""):
    return f"{LIST}{endpoint.public_id}/{more}"


def text(answer, status=200):
    assert answer.status_code == status
    return answer.content.decode()


def add(client, outside, **fields):
    return client.post(
        f"{LIST}add", {"url": f"{outside.url}/webhook/shop", "name": "Shop", "others": ""} | fields
    )


# --- the list and a new one ---


def test_an_empty_list_says_what_comes_next(admin):
    assert "No endpoint yet" in text(admin.get(LIST))


def test_the_list_asks_a_fixed_number_of_questions(admin, make, acme):
    make.connection(acme)
    few = count_queries(admin, LIST)
    for _ in range(59):
        make.connection(acme)
    assert count_queries(admin, LIST) == few <= 6


def test_three_fields_make_an_endpoint_that_gets_what_was_chosen(admin, make, acme, outside):
    make.event(acme)
    html = text(add(admin, outside, types=["order.created"], others="lead.*"))
    endpoint = Connection.unscoped.get()
    assert (endpoint.state, load_endpoint_routes(endpoint).patterns) == (
        "healthy",
        ["lead.*", "order.created"],
    )
    assert read_signing_status(endpoint, now=NOON).secret in html
    assert [call["account"] for call in outside.ledger()] == ["shop"]
    assert AuditRow.objects.filter(verb="connection.connect").exists()


def test_its_secret_is_shown_once(admin, outside):
    answer = add(admin, outside, others="*")
    assert (
        "no-store" in answer["Cache-Control"]
        and "whsec_" in text(answer).partition("can show it again")[2]
    )
    secret = read_signing_status(Connection.unscoped.get(), now=NOON).secret
    assert secret not in text(admin.get(page_of(Connection.unscoped.get())))


def test_nothing_is_kept_when_the_test_fails(admin, outside):
    outside.fault("webhook", status=500, times=0)
    html = text(add(admin, outside, others="*"), 422)
    assert "The test failed" in html and not Connection.unscoped.exists()
    assert add(admin, outside, others="*", anyway="on").status_code == 200
    assert Connection.unscoped.get().state == "degraded"


def test_nothing_is_kept_where_something_would_arrive_twice(admin, make, outside):
    make.route(connector="webhook", name="All orders")
    page = add(admin, outside, others="order.*")
    assert "All orders" in text(page, 409) and list(page.context["form"].errors) == ["types"]
    assert not Connection.unscoped.exists()


def test_a_type_that_would_arrive_twice_is_refused_at_the_types_and_not_above(
    admin, make, endpoint
):
    make.route(connector="webhook", name="All orders")
    page = admin.post(page_of(endpoint) + "events", {"others": "order.*"})
    assert list(page.context["form"].errors) == ["types"]
    assert "“All orders” already sends order.created to all endpoints." in text(page)


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "ftp://example.com", "no address", ""])
def test_an_address_that_may_not_be_called_is_refused(admin, outside, url):
    assert add(admin, outside, url=url, others="*").status_code == 200
    assert not Connection.unscoped.exists() and not outside.ledger()


@pytest.mark.parametrize("others", ["Order Created!", "*.created", "a" * 130])
def test_what_is_no_event_type_is_refused(admin, outside, others):
    add(admin, outside, others=others)
    assert not Connection.unscoped.exists()


def test_a_member_reads_and_adds_nothing(member, endpoint, outside):
    assert member.get(f"{LIST}add").status_code == 403 and add(member, outside).status_code == 403
    html = text(member.get(page_of(endpoint)))
    assert "Send a test event</button>" not in html and "reveal" not in html


# --- its page ---


def test_the_page_tells_what_it_gets_and_from_where(admin, make, endpoint):
    subscribe_endpoint(
        endpoint, ["lead.won"], ActorContext.system(), filter="data.total > `5`", now=NOON
    )
    make.route(connector="webhook", name="All orders")
    html = text(admin.get(page_of(endpoint)))
    for words in ("lead.won", "data.total &gt; `5`", "All orders"):
        assert words in html


def test_the_page_draws_the_last_day(admin, make, endpoint):
    delivery = make.delivery(endpoint)
    now = timezone.now()
    Attempt.unscoped.create(
        delivery=delivery, number=1, started_at=now, outcome="delivered", milliseconds=42
    )
    html = text(admin.get(page_of(endpoint)))
    assert "1 call" in html and "0 % failed" in html and "within 42 ms" in html and "<svg" in html
    assert "42 ms" in text(admin.get(LIST))


def test_no_secret_is_on_the_page(admin, make, acme):
    headers = '{"Authorization": "Bearer secret-of-theirs"}'
    endpoint = make.connection(acme, secret={"signing_secret": WHSEC, "headers": headers})
    html = text(admin.get(page_of(endpoint)))
    assert "Authorization" in html and "secret-of-theirs" not in html and WHSEC not in html


def test_the_page_asks_a_fixed_number_of_questions(admin, make, endpoint):
    subscribe_endpoint(endpoint, ["*"], ActorContext.system(), now=NOON)
    few = count_queries(admin, page_of(endpoint))
    for number in range(60):
        make.event(endpoint.tenant, f"type.n{number}")
    assert count_queries(admin, page_of(endpoint)) == few <= 9


def test_the_snippets_are_those_that_the_docs_test():
    for name in ("python", "node", "curl", "shell"):
        file = ROOT / f"templates/portal/endpoints/snippets/{name}.txt"
        assert file.read_text() == find_snippet("docs/partners.md", name)


# --- events and filter ---


def test_events_are_chosen_and_audited(admin, endpoint):
    admin.post(
        page_of(endpoint, "events"), {"others": "order.* lead.won", "filter": "data.total > `5`"}
    )
    ways = load_endpoint_routes(endpoint)
    assert (ways.patterns, ways.filter) == (["lead.won", "order.*"], "data.total > `5`")
    assert AuditRow.objects.get(verb="endpoint.events").after["types"] == ["lead.won", "order.*"]


def test_a_filter_that_is_none_is_refused(admin, endpoint):
    assert "The filter" in text(
        admin.post(page_of(endpoint, "events"), {"others": "*", "filter": "data.["})
    )
    assert not Route.unscoped.exists()


def test_a_filter_is_tried_on_the_last_events_and_nothing_is_saved(admin, make, acme, endpoint):
    for total in (1, 10):
        make.event(acme, data={"total": total})
    data = {"others": "order.*", "filter": "data.total > `5`", "try": "1"}
    matches = admin.post(page_of(endpoint, "events"), data).context["matches"]
    assert [match.passed for match in matches] == [True, False] and "data.total" in matches[
        1
    ].explanation
    assert not Route.unscoped.exists()


def test_the_same_while_a_person_types(admin, make, acme, endpoint):
    make.event(acme, data={"total": 10})
    url = page_of(endpoint, "match")
    assert "matches" in text(admin.get(url, {"others": "*", "filter": "data.total > `5`"}))
    assert "The filter" in text(admin.get(url, {"others": "*", "filter": "data.["}))


# --- the secret ---


def test_a_secret_is_shown_to_who_has_just_shown_who_they_are(reauthenticated_admin, endpoint):
    answer = reauthenticated_admin.post(page_of(endpoint, "reveal_signing_secret"))
    assert WHSEC in text(answer) and "no-store" in answer["Cache-Control"]
    assert AuditRow.objects.get(verb="endpoint.reveal").object_id == str(endpoint.public_id)


@pytest.mark.corrections(item="3.9")
def test_a_secret_that_can_be_shown_again_is_not_shown_only_once(reauthenticated_admin, endpoint):
    for _ in range(2):
        page = text(reauthenticated_admin.post(page_of(endpoint, "reveal_signing_secret")))
        assert "only once" not in page and "can show it again" in page


@pytest.mark.parametrize(
    "what", ["reveal_signing_secret", "rotate_signing_secret", "end_signing_overlap"]
)
def test_a_guest_reads_who_may_have_the_secret(guest, endpoint, what):
    html = text(guest.post(page_of(endpoint, what)), 403)
    assert "with an account can do it" in html and WHSEC not in html


def test_a_secret_that_cannot_be_decrypted_is_entered_again_on_the_page(
    reauthenticated_admin, endpoint, make
):
    other = Credential.unscoped.get(connection=make.connection(endpoint.tenant, "webhook"))
    Credential.unscoped.filter(connection=endpoint).update(sealed=other.sealed)
    page = text(reauthenticated_admin.post(page_of(endpoint, "reveal_signing_secret"), follow=True))
    assert "Enter a new signing secret where you change the address" in page


def test_anybody_else_is_asked_again_first(admin, endpoint):
    answer = admin.post(page_of(endpoint, "reveal_signing_secret"))
    assert answer.status_code == 302 and "reauthenticate" in answer["Location"]
    assert admin.get(page_of(endpoint, "reveal_signing_secret")).status_code == 302


def test_a_change_shows_the_new_secret_and_until_when_the_old_one_signs(
    reauthenticated_admin, endpoint
):
    html = text(reauthenticated_admin.post(page_of(endpoint, "rotate_signing_secret")))
    document = Connection.unscoped.get().credential.open(endpoint)
    new, old = valid_signing_secrets(document, at=timezone.now())
    assert new in html and old == WHSEC and old not in html and "Both secrets sign until" in html


def test_the_overlap_is_ended(reauthenticated_admin, endpoint):
    reauthenticated_admin.post(page_of(endpoint, "rotate_signing_secret"))
    reauthenticated_admin.post(page_of(endpoint, "end_signing_overlap"))
    document = Connection.unscoped.get().credential.open(endpoint)
    assert len(valid_signing_secrets(document, at=timezone.now())) == 1


def test_too_many_changes_in_a_day_are_refused_in_words(reauthenticated_admin, endpoint):
    for _ in range(3):
        reauthenticated_admin.post(page_of(endpoint, "rotate_signing_secret"))
    assert "too often" in text(
        reauthenticated_admin.post(page_of(endpoint, "rotate_signing_secret"), follow=True)
    )


# --- sending ---


def test_a_test_leads_to_its_delivery(admin, endpoint):
    answer = admin.post(page_of(endpoint, "test_event"))
    delivery = Delivery.unscoped.get()
    assert (
        answer["Location"] == f"/t/acme/deliveries/{delivery.public_id}/"
        and delivery.event.type == "hub.test"
    )


def test_recovery_leads_to_the_plan_of_what_failed(admin, make, endpoint):
    put(
        [make.delivery(endpoint)],
        "failed",
        "exhausted",
    )
    Delivery.unscoped.update(state_changed_at=timezone.now())
    answer = admin.post(page_of(endpoint, "recover"), {"scope": "failed", "hours": "24"})
    planned = admin.post(answer["Location"], {"kind": "retry"})
    assert planned.status_code == 302 and Operation.unscoped.get().count == 1


def test_what_is_missing_is_planned(admin, make, acme, endpoint):
    make.event(acme)
    subscribe_endpoint(endpoint, ["*"], ActorContext.system(), now=NOON)
    answer = admin.post(page_of(endpoint, "recover"), {"scope": "missing", "hours": "24"})
    assert Operation.unscoped.get().count == 1
    assert "Send missing events" in text(admin.get(answer["Location"]))


def test_nonsense_goes_back_to_the_page(admin, endpoint):
    answer = admin.post(page_of(endpoint, "recover"), {"scope": "x", "hours": "-1"})
    assert answer["Location"] == page_of(endpoint)


def test_another_connector_is_no_endpoint(admin, make, acme):
    assert admin.get(page_of(make.connection(acme, "slack"))).status_code == 404
