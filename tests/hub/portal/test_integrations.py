"""A customer switches an integration on with a few clicks, changes, pauses and removes it."""

import html
import re
from datetime import timedelta

import pytest

from hub.db.clock import clock
from hub.outgoing.models import Route
from hub.queue import WakeUp
from hub.recipes.definitions import RECIPES
from hub.recipes.models import Integration
from hub.schemas.choice_lists import request_choice_list
from hub.schemas.models import ChoiceList
from hub.schemas.tasks import read_choice_list
from tests.factories import NOON
from tests.hub.recipes.integrations import CHANNEL, create_integration
from tests.tenants.door import open_portal_as_support

pytestmark = pytest.mark.django_db
HERE = "/t/acme/integrations/"
NEW = f"{HERE}new/order_to_slack/"
AGAIN = {"read_again": "1"}
SANDBOX_TOKEN = {"access_token": "xoxb-acme-1"}
CHANNELS = [["C024BE91L", "#orders"], ["C0OTHER99", "#other"]]


@pytest.fixture
def slack(make, acme):
    connection = make.connection(acme, "slack", name="Acme's Slack")
    ChoiceList.unscoped.create(
        connection=connection, kind="channel", items=CHANNELS, is_complete=True, read_at=NOON
    )
    return connection


def text_of(response):
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split()))


def hidden_of(response):
    """The hidden inputs of a page, as a browser sends them."""
    inputs = re.findall(
        r'<input type="hidden" name="(\w+)" value="([^"]*)"', response.content.decode()
    )
    return {name: value for name, value in inputs if name != "csrfmiddlewaretoken"}


def page_of(integration, rest=""):
    return f"{HERE}{integration.public_id}/{rest}"


def test_it_is_switched_on_in_three_clicks(make, acme, admin, slack):
    make.event(acme, id="order-A-1001")
    assert "When an order is placed, post it to Slack" in text_of(admin.get(HERE))  # 1: choose
    questions = admin.get(NEW)
    assert "#orders" in text_of(questions)
    rehearsal = admin.post(NEW, {"channel": "C024BE91L", "rehearse": "1"})  # 2: answer
    assert "order-A-1001" in text_of(rehearsal) and "C024BE91L" in text_of(rehearsal)
    assert not Integration.unscoped.exists()
    page = admin.post(NEW, hidden_of(rehearsal) | {"on": "1"}, follow=True)  # 3: on
    assert "It is on." in text_of(page) and "#orders" in text_of(page)
    assert Integration.unscoped.get().answers == CHANNEL | {"slack": str(slack.public_id)}


@pytest.mark.corrections(item="3.9")
def test_the_card_of_a_recipe_leads_a_member_to_what_it_does_and_to_whom_to_ask(
    owner, member, slack
):
    cards = re.findall(rf'href="({HERE}new/[^"]+)"', member.get(HERE).content.decode())
    page = member.get(cards[0])
    assert page.status_code == 200
    assert "Ask one of them: person" in text_of(page) and "See what would be" not in text_of(page)


@pytest.mark.parametrize("key", RECIPES)
def test_every_recipe_is_switched_on_in_three_clicks(make, acme, admin, slack, key):
    for connector, secret in (("salesforce", {}), ("splunk", {}), ("pipedrive", {})):
        make.connection(acme, connector, secret=secret)
    make.connection(connector="app")
    url = f"{HERE}new/{key}/"
    assert f'href="{url}"' in admin.get(HERE).content.decode()  # 1: choose
    questions = admin.get(url).content.decode()
    answers = default_answers(RECIPES[key])
    if '<select name="channel"' in questions:
        answers["channel"] = "C024BE91L"
    rehearsal = admin.post(url, answers | {"rehearse": "1"})  # 2: answer
    assert "This is what would happen:" in text_of(rehearsal)
    page = admin.post(url, hidden_of(rehearsal) | {"on": "1"}, follow=True)  # 3: on
    assert "It is on." in text_of(page)
    integration = Integration.unscoped.get()
    assert integration.parts.count() == len(RECIPES[key].parts)


def default_answers(recipe):
    return {question.key: str(question.default) for question in recipe.own_questions}


def test_without_an_event_a_sample_is_shown(admin, slack):
    page = text_of(admin.post(NEW, {"channel": "C024BE91L", "rehearse": "1"}))
    assert "With a sample" in page and "New order A-1001 from Ann Archer" in page


def test_one_can_go_back_to_the_answers(admin, slack):
    page = admin.post(NEW, {"channel": "C0OTHER99", "back": "1"})
    assert '<option value="C0OTHER99" selected>' in page.content.decode()


def test_a_missing_answer_is_shown_at_its_field(admin, slack):
    page = admin.post(NEW, {"channel": "", "rehearse": "1"})
    assert "This field is required." in text_of(page)


def test_a_channel_is_required_and_not_called_optional(admin, slack):
    page = admin.get(NEW)
    assert '<select name="channel" required' in page.content.decode()
    assert "Optional." not in text_of(page)


def test_of_a_list_that_is_not_whole_a_record_or_its_id_is_required(admin, slack):
    ChoiceList.unscoped.update(is_complete=False)
    page = admin.get(NEW)
    assert "Or the ID of another record" in text_of(page) and "Optional." not in text_of(page)
    assert "This is required." in text_of(admin.post(NEW, {"channel": "", "rehearse": "1"}))
    assert "C0NEW" in text_of(admin.post(NEW, {"channel_other": "C0NEW1234", "rehearse": "1"}))


def test_an_empty_list_says_what_to_do(admin, slack):
    ChoiceList.unscoped.update(items=[], read_at=clock())
    page = admin.get(NEW)
    assert "The list is empty." in text_of(page) and 'name="read_again"' in page.content.decode()
    rehearsal = admin.post(NEW, {"channel_other": "C024BE91L", "rehearse": "1"})
    assert "This is what would happen:" in text_of(rehearsal)


def test_the_same_again_leads_to_the_first(acme, admin, slack):
    integration = create_integration(acme)
    page = admin.post(NEW, CHANNEL | {"on": "1"}, follow=True)
    assert page.redirect_chain[-1][0] == page_of(integration)
    assert "It is on with these answers already." in text_of(page)


def test_a_system_that_is_not_connected_is_connected_first(admin):
    page = admin.get(NEW)
    assert 'href="/t/acme/connect/slack/"' in page.content.decode()
    assert "Connect Slack" in text_of(page)


def test_an_unknown_recipe_is_not_found(admin):
    assert admin.get(f"{HERE}new/nothing/").status_code == 404


def test_a_recipe_with_our_application_needs_its_connection(make, admin):
    assert "shipping label" not in text_of(admin.get(HERE))
    make.connection(connector="app")
    assert "shipping label" in text_of(admin.get(HERE))


def test_a_list_that_cannot_be_read_is_replaced_by_an_id(make, acme, admin, outside):
    make.connection(acme, "slack")
    page = admin.post(NEW, AGAIN)
    assert "The list cannot be read right now" in text_of(page)
    rehearsal = admin.post(NEW, {"channel_other": "C024BE91L", "rehearse": "1"})
    assert "C024BE91L" in text_of(rehearsal)


def test_support_which_only_reads_asks_no_system(make, acme, client, outside):
    connection = make.connection(acme, "slack")
    client.force_login(make.staff(is_superuser=True))
    open_portal_as_support(client, acme)
    say = f"/t/acme/connections/{connection.public_id}/identities/say/?kind=channel&local_id=orders"
    for url in (NEW, say):
        assert client.get(url).status_code == 200
        assert client.post(url, AGAIN).status_code == 403
    assert outside.ledger() == [] and not WakeUp.objects.filter(name__startswith="choices").exists()


@pytest.mark.corrections(item="3.8")
def test_a_list_is_read_in_the_background_and_not_by_looking_at_its_page(
    make, acme, admin, outside
):
    slack = make.connection(acme, "slack", secret=SANDBOX_TOKEN, account="T0000ACME")
    page = text_of(admin.get(NEW))
    assert "The list is being read in the background." in page and outside.ledger() == []
    read_choice_list(WakeUp.objects.get(name=f"choices:{slack.pk}:channel").name)
    page = text_of(admin.get(NEW))
    assert "#general" in page and "in the background" not in page
    ChoiceList.unscoped.update(read_at=clock() - timedelta(minutes=16))
    assert "It is being read again in the background." in text_of(admin.get(NEW))
    assert len(outside.ledger()) == 1


@pytest.mark.corrections(item="3.8")
def test_the_list_of_the_chosen_account_is_read_again_at_once(make, acme, admin, slack, outside):
    second = make.connection(acme, "slack", secret=SANDBOX_TOKEN, account="T0000ACME")
    chosen = {"slack": str(second.public_id)}
    assert 'name="channel_other"' in admin.post(NEW, chosen).content.decode()
    page = admin.post(NEW, chosen | AGAIN)
    assert "#general" in text_of(page) and page.context["form"].errors == {}
    assert f'<option value="{second.public_id}" selected>' in page.content.decode()


@pytest.mark.corrections(item="3.8")
def test_a_list_is_requested_once_and_only_if_there_is_such_a_list(acme, slack):
    assert request_choice_list(slack, "channel", now=NOON) is False  # it was read now
    assert request_choice_list(slack, "planet", now=NOON) is False
    ChoiceList.unscoped.all().delete()
    assert request_choice_list(slack, "channel", now=NOON) is True
    assert request_choice_list(slack, "channel", now=NOON) is True
    assert WakeUp.objects.get(name__startswith="choices").name == f"choices:{slack.pk}:channel"


def test_a_request_for_a_list_of_an_account_that_is_gone_does_nothing(db):
    read_choice_list("choices:4711:channel")
    assert not ChoiceList.unscoped.exists()


def test_answers_that_another_one_has_are_refused_at_the_form(acme, admin, slack):
    create_integration(acme)
    second = create_integration(acme, answers={"channel": "C0OTHER99"})
    page = admin.post(page_of(second, "answers/"), {"channel": "C024BE91L"})
    assert "everything would happen twice" in text_of(page)


def test_of_several_accounts_one_is_chosen(make, acme, admin, slack):
    second = make.connection(acme, "slack", name="Second Slack")
    ChoiceList.unscoped.create(
        connection=second, kind="channel", items=[["C0SECOND", "#second"]], read_at=NOON
    )
    assert "Second Slack" in text_of(admin.get(NEW))
    answers = {"slack": str(second.public_id), "channel": "C0SECOND"}
    admin.post(NEW, answers | {"on": "1"})
    assert Route.unscoped.get().connection == second


def test_members_see_and_cannot_change(acme, member, slack):
    integration = create_integration(acme)
    page = member.get(page_of(integration))
    assert page.status_code == 200 and "Remove" not in text_of(page)
    assert member.post(NEW).status_code == 403
    assert member.post(page_of(integration, "pause")).status_code == 403


def test_the_first_page_shows_what_each_did(make, acme, admin, slack):
    create_integration(acme, names={"channel": "#orders"})
    page = text_of(admin.get("/t/acme/"))
    assert "Integrations that run" in page and "#orders" in page
    assert "Nothing happened this week." in page


def test_its_page_shows_what_it_made(acme, admin, slack):
    integration = create_integration(acme, names={"channel": "#orders"})
    page = admin.get(page_of(integration))
    mapping = integration.parts.get().mapping
    assert f'href="/t/acme/mappings/{mapping.public_id}/"' in page.content.decode()
    assert "New order: a message in Slack" in text_of(page)


def test_answers_are_changed(acme, admin, slack):
    integration = create_integration(acme, names={"channel": "#orders"})
    form = admin.get(page_of(integration, "answers/"))
    assert '<option value="C024BE91L" selected>' in form.content.decode()
    page = admin.post(page_of(integration, "answers/"), {"channel": "C0OTHER99"}, follow=True)
    assert "Saved." in text_of(page) and "#other" in text_of(page)
    assert integration.parts.get().mapping.current.body["channel"] == "'C0OTHER99'"


def test_it_is_paused_resumed_and_removed(acme, admin, slack):
    integration = create_integration(acme)
    assert "It is paused." in text_of(admin.post(page_of(integration, "pause"), follow=True))
    again = admin.post(page_of(integration, "pause"), follow=True)
    assert "so nothing was changed" in text_of(again)
    assert "It is on again." in text_of(admin.post(page_of(integration, "resume"), follow=True))
    assert "has been removed" in text_of(admin.post(page_of(integration, "remove"), follow=True))
    assert not Route.unscoped.exists()
    assert admin.get(page_of(integration)).status_code == 404


def test_a_newer_version_is_shown_with_its_difference_and_applied(acme, admin, slack):
    integration = create_integration(acme)
    part = integration.parts.get()
    body = part.mapping.current.body | {"text": "'Old text'"}
    part.mapping.versions.update(body=body)
    part.made = part.made | {"mapping": body}
    part.save()
    Integration.unscoped.update(recipe_version=0)
    assert "There is a newer version" in text_of(admin.get(page_of(integration)))
    page = text_of(admin.get(page_of(integration, "upgrade/")))
    assert "mapping.text" in page and "'Old text'" in page
    done = admin.post(page_of(integration, "upgrade/"), {"channel": "C024BE91L"}, follow=True)
    assert "The newer version applies from now on." in text_of(done)
    assert part.mapping.current.body["text"] != "'Old text'"


def test_another_tenants_integration_is_not_found(make, admin, globex):
    make.connection(globex, "slack")
    assert admin.get(page_of(create_integration(globex))).status_code == 404


def test_the_catalogue_leads_with_integrations(admin, slack):
    page = text_of(admin.get("/t/acme/catalogue/"))
    assert page.index("Ready-made integrations") < page.index("Systems")
    found = text_of(admin.get("/t/acme/catalogue/?q=cancelled"))
    assert "When an order is cancelled" in found and "When a deal is won" not in found
