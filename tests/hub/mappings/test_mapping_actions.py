"""Restoring a version, and copying a platform mapping."""

import pytest
from django.core.exceptions import ValidationError

from hub.audit import ActorContext, AuditRow
from hub.mappings.mapping_actions import change_mapping, copy_mapping, restore_mapping_version
from tests.factories import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(make):
    return make.tenant("acme")


@pytest.fixture
def actor(make, acme):
    return ActorContext.of_user(make.membership(acme, make.user(), role="admin").user)


@pytest.fixture
def mapping(make, acme, actor):
    mapping = make.mapping(acme, "slack", "post_message", {"text": "'first'"})
    change_mapping(mapping, actor, body={"text": "'second'"}, now=NOON)
    return mapping


def test_a_restored_version_is_a_new_one_with_the_old_body(mapping, actor):
    restored = restore_mapping_version(mapping, mapping.versions.get(number=1), actor, now=NOON)
    assert (restored.number, restored.body) == (3, {"text": "'first'"})
    assert restored.created_by == actor.user
    row = AuditRow.objects.get(verb="fieldmapping.restore")
    assert row.after == {"version": 3, "restored_version": 1}


def test_restoring_what_is_already_current_changes_nothing(mapping, actor):
    assert restore_mapping_version(mapping, mapping.current, actor, now=NOON) is None
    assert mapping.versions.count() == 2
    assert not AuditRow.objects.filter(verb="fieldmapping.restore").exists()


def test_a_tenant_cannot_restore_a_version_of_a_platform_mapping(make, mapping, actor):
    shared = make.mapping(None, "slack", "post_message", {"text": "'first'"})
    change_mapping(shared, ActorContext.system(), body={"text": "'b'"}, now=NOON)
    with pytest.raises(ValidationError):
        restore_mapping_version(shared, shared.versions.get(number=1), actor, now=NOON)
    assert shared.current.number == 2


def test_a_version_that_is_no_longer_valid_is_not_restored(mapping, actor):
    old = mapping.versions.get(number=1)
    type(old).unscoped.filter(pk=old.pk).update(body={"text": "gone(data)"})
    old.refresh_from_db()
    with pytest.raises(ValidationError):
        restore_mapping_version(mapping, old, actor, now=NOON)
    assert mapping.current.number == 2


def test_a_platform_mapping_is_copied_to_a_tenant(make, acme, actor):
    shared = make.mapping(None, "slack", "post_message", {"text": "data.text"})
    copied = copy_mapping(shared, acme, "Ours", actor, now=NOON)
    assert (copied.tenant, copied.current.body) == (acme, {"text": "data.text"})
    assert copied.current.number == 1
