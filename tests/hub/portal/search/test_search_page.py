"""The search of a tenant's pages: everything that a person may have in hand leads to its page."""

import pytest

from hub.audit import Actor, ActorContext
from hub.recipes.definitions import RECIPES
from tests.factories import NOON
from tests.hub.portal.query_counts import count_queries
from tests.markup import normalize_markup

pytestmark = pytest.mark.django_db

ORDER = {"number": "A-1005", "customer": {"email": "Ann@Shop.test"}, "total": 12.5}


def search(browser, term, tenant="acme"):
    return browser.get(f"/t/{tenant}/search/", {"q": term}).content.decode()


@pytest.fixture
def order(make, acme):
    return make.event(acme, data=ORDER, id="order-A-1005")


@pytest.mark.parametrize("term", ["order-A-1005", "A-1005", "a-1005", "ann@shop.test", " A-1005 "])
def test_an_event_is_found_by_its_ids_and_values(owner, order, term):
    assert f"/t/acme/events/{order.public_id}/" in search(owner, term)


@pytest.mark.parametrize("term", ["A-100", "12.5", "shop", "' OR 1=1 --", "%", "\0", "é" * 300])
def test_a_part_of_a_value_and_odd_text_find_nothing(owner, order, term):
    assert "/t/acme/events/0" not in search(owner, term)


def test_a_delivery_is_found_by_its_id_and_its_message_id(owner, make, acme):
    delivery = make.delivery(make.connection(acme))
    for term in (str(delivery.public_id), delivery.message_id, str(delivery.public_id)[:13]):
        assert f"/t/acme/deliveries/{delivery.public_id}/" in search(owner, term)


def test_names_of_connections_jobs_runs_and_people_lead_to_them(owner, make, acme):
    connection = make.connection(acme, name="Warehouse", account="W-77")
    job = make.job(acme, name="Nightly orders")
    run = make.run(job)
    make.membership(acme, make.user("bob@acme.test"))
    make.invitation(acme, "carol@acme.test")
    for term, url in (
        ("wareh", f"endpoints/{connection.public_id}/"),
        ("w-77", f"endpoints/{connection.public_id}/"),
        ("orders", f"jobs/{job.public_id}/"),
        ("nightly", f"runs/{run.public_id}/"),
        (str(run.public_id), f"runs/{run.public_id}/"),
        ("bob@acme.test", "members/"),
        ("carol@", "members/"),
    ):
        assert f'<a href="/t/acme/{url}">' in search(owner, term), term


def test_of_mappings_of_the_platform_only_those_in_use_are_found(owner, make, acme):
    used, other = make.mapping(None), make.mapping(None)
    make.route(make.connection(acme), tenant=acme, mapping=used)
    text = search(owner, "mapping")
    assert str(used.public_id) in text and str(other.public_id) not in text
    assert owner.get(f"/t/acme/mappings/{used.public_id}/").status_code == 200


def test_recipes_integrations_and_field_mappings_are_found_by_name(owner, make, acme):
    recipe = next(iter(RECIPES.values()))
    assert f"/t/acme/integrations/new/{recipe.key}/" in search(owner, recipe.title)
    integration, mapping = make.integration(acme), make.mapping(acme)
    assert f"/t/acme/integrations/{integration.public_id}/" in search(owner, integration.title)
    assert f"/t/acme/mappings/{mapping.public_id}/" in search(owner, mapping.name)


@pytest.mark.parametrize(
    ("term", "path"),
    [("settings", "settings/"), ("retry", "events/"), ("log ship", "logs/"), ("team", "members/")],
)
def test_a_page_is_found_by_its_name_and_by_what_one_does_there(owner, term, path):
    assert f'<a href="/t/acme/{path}">' in search(owner, term)


def test_a_request_id_leads_to_what_the_request_changed(owner, make, acme):
    connection = make.connection(acme)
    actor = ActorContext(Actor("staff", "1", "Support"), request_id="req-4711")
    actor.audit("connection.pause", connection, tenant=acme, now=NOON)
    text = search(owner, "req-4711")
    assert "Support: paused it" in text and f"/t/acme/connections/{connection.public_id}/" in text


def test_an_item_is_found_by_the_systems_id(owner, make, acme):
    item = make.inbound_item(make.connection(acme))
    assert f"/t/acme/events/incoming/{item.public_id}/" in search(owner, item.item_key)


def test_no_row_of_another_tenant_is_found(stranger, make, acme, order):
    connection = make.connection(acme, name="Warehouse", account="W-77")
    delivery, item = make.delivery(connection), make.inbound_item(connection)
    run = make.run(make.job(acme, name="Nightly orders"))
    make.membership(acme, make.user("bob@acme.test"))
    actor = ActorContext(Actor("staff", "1", "Support"), request_id="req-4711")
    actor.audit("connection.pause", connection, tenant=acme, now=NOON)
    for term in (
        *(
            "order-A-1005",
            "A-1005",
            "ann@shop.test",
            "Warehouse",
            "W-77",
            item.item_key,
            "req-4711",
        ),
        *("Nightly orders", "bob@acme.test", delivery.message_id),
        *(str(row.public_id) for row in (order, connection, delivery, item, run)),
    ):
        assert "No matches" in normalize_markup(search(stranger, term, "globex")), term
    assert stranger.get("/t/acme/search/", {"q": "A-1005"}).status_code == 404


def test_the_search_asks_the_same_number_of_questions_however_much_there_is(owner, make, acme):
    connection = make.connection(acme, name="A-1005")
    url = "/t/acme/search/?q=A-1005"
    make.delivery(connection, data=ORDER)
    make.run(make.job(acme, name="A-1005"))
    make.inbound_item(connection, account="A-1005")
    first = count_queries(owner, url)
    for number in range(8):
        make.delivery(make.connection(acme, name=f"A-1005 {number}"), data=ORDER)
        make.run(make.job(acme, name=f"A-1005 {number}"))
    assert count_queries(owner, url) == first <= 45


def test_nothing_typed_and_nothing_found_show_the_next_step(owner):
    assert "What are you looking for?" in search(owner, "")
    assert "/t/acme/events/?value=B-9" in search(owner, "B-9")


def test_the_log_finds_the_same_values(owner, make, acme):
    delivery = make.delivery(make.connection(acme), data=ORDER)
    text = owner.get("/t/acme/events/?q=A-1005").content.decode()
    assert f"/t/acme/deliveries/{delivery.public_id}/" in text
