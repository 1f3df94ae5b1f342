"""A newer version of a recipe is described with its difference, and applied only when asked.

An older version is one that made something else: its part is written as that version made it.
"""

import pytest

from hub.audit.models import AuditRow
from hub.mappings.mapping_actions import change_mapping
from hub.recipes.answers import InvalidAnswers
from hub.recipes.integration_actions import change_answers, upgrade_integration
from hub.recipes.models import Integration
from hub.recipes.upgrades import describe_upgrade
from tests.factories import NOON
from tests.hub.recipes.integrations import CHANNEL, SYSTEM, age_integration, create_integration

OLD_TEXT = "concat('Order ', text(data.number))"


@pytest.fixture
def acme(make):
    tenant = make.tenant("acme")
    make.connection(tenant, "slack")
    return tenant


def body_of(integration):
    return integration.parts.get().mapping.current.body


def test_the_newest_version_has_nothing_to_upgrade(acme):
    assert describe_upgrade(create_integration(acme)) is None


def test_the_difference_names_what_would_change(acme):
    integration = age_integration(create_integration(acme), text=OLD_TEXT, unfurl_links=None)
    upgrade = describe_upgrade(integration)
    assert (upgrade.from_version, upgrade.to_version) == (0, 1)
    (difference,) = upgrade.differences
    assert (difference.key, difference.kind, difference.kept_paths) == ("message", "changed", [])
    changes = {change.path: change.before for change in difference.changes}
    assert changes == {"mapping.text": OLD_TEXT, "mapping.unfurl_links": None}
    assert body_of(integration)["text"] == OLD_TEXT  # describing it changes nothing


def test_an_upgrade_is_applied_and_audited(acme):
    integration = age_integration(create_integration(acme), text=OLD_TEXT)
    upgraded = upgrade_integration(integration, {}, SYSTEM, now=NOON)
    assert upgraded.recipe_version == 1
    assert "New order" in body_of(integration)["text"]
    assert describe_upgrade(upgraded) is None
    assert AuditRow.objects.order_by("-pk").first().verb == "integration.upgrade"


def test_an_upgrade_keeps_what_a_person_changed(acme):
    integration = age_integration(create_integration(acme), text=OLD_TEXT)
    body = body_of(integration) | {"unfurl_links": "`true`", "icon_emoji": "':tea:'"}
    change_mapping(integration.parts.get().mapping, SYSTEM, body=body, now=NOON)
    (difference,) = describe_upgrade(integration).differences
    assert difference.kept_paths == ["mapping.icon_emoji", "mapping.unfurl_links"]
    upgrade_integration(integration, {}, SYSTEM, now=NOON)
    assert body_of(integration)["unfurl_links"] == "`true`"
    assert "New order" in body_of(integration)["text"]


def test_a_new_question_must_be_answered_first(acme):
    integration = age_integration(create_integration(acme))
    Integration.unscoped.filter(pk=integration.pk).update(
        answers={"slack": integration.answers["slack"], "former": "1"}
    )
    integration.refresh_from_db()
    upgrade = describe_upgrade(integration)
    assert [question.key for question in upgrade.questions] == ["channel"]
    assert upgrade.problems == {"channel": "This is required."}
    with pytest.raises(InvalidAnswers):
        upgrade_integration(integration, {}, SYSTEM, now=NOON)
    upgraded = upgrade_integration(integration, CHANNEL, SYSTEM, now=NOON)
    assert upgraded.answers.keys() == {"slack", "channel"}


def test_answers_change_only_in_the_newest_version(acme):
    integration = age_integration(create_integration(acme))
    with pytest.raises(InvalidAnswers):
        change_answers(integration, {"channel": "C0OTHER99"}, SYSTEM, now=NOON)


def test_a_part_that_the_newer_version_lacks_is_removed(acme):
    integration = age_integration(create_integration(acme))
    integration.parts.update(key="former")
    kinds = {entry.key: entry.kind for entry in describe_upgrade(integration).differences}
    assert kinds == {"message": "added", "former": "removed"}
    upgrade_integration(integration, {}, SYSTEM, now=NOON)
    former, message = integration.parts.order_by("pk")
    assert (former.route.enabled, message.route.enabled) == (False, True)


def test_a_part_with_another_action_is_made_anew(acme):
    integration = age_integration(create_integration(acme))
    route = integration.parts.get().route
    for row in (route, route.mapping):
        row.action = "update_message"
        row.save()
    (difference,) = describe_upgrade(integration).differences
    assert difference.kind == "replaced"
    upgrade_integration(integration, {}, SYSTEM, now=NOON)
    assert integration.parts.get(retired_at=None).route.action == "post_message"


def test_an_older_release_offers_and_applies_no_version_before(acme):
    integration = create_integration(acme)
    Integration.unscoped.filter(pk=integration.pk).update(recipe_version=2)
    integration.refresh_from_db()
    assert describe_upgrade(integration) is None
    assert upgrade_integration(integration, {}, SYSTEM, now=NOON).recipe_version == 2
    with pytest.raises(InvalidAnswers, match="A later release made this integration"):
        change_answers(integration, {"channel": "C0OTHER99"}, SYSTEM, now=NOON)
    assert body_of(integration)["channel"] == "'C024BE91L'"
