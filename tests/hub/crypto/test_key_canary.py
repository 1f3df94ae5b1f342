"""A wrong key is found before anything is sealed with it."""

import io

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import IntegrityError

from hub.crypto.sealed import KeyCanary, Sealed, WrongKey, check_keys, check_keys_fit_database

OTHER_KEY = Fernet.generate_key().decode()

pytestmark = pytest.mark.django_db


def test_the_keys_that_sealed_the_canary_are_the_right_ones():
    check_keys()
    assert check_keys_fit_database(None) == []


def test_a_wrong_key_refuses_to_start(settings):
    settings.HUB_FIELD_KEYS = [OTHER_KEY]
    with pytest.raises(WrongKey, match="HUB_FIELD_KEYS is wrong"):
        check_keys()
    assert [error.id for error in check_keys_fit_database(None)] == ["hub.E001"]


def test_the_deploy_check_knows_the_canary(settings):
    settings.HUB_FIELD_KEYS = [OTHER_KEY]
    with pytest.raises(SystemCheckError, match="HUB_FIELD_KEYS is wrong"):
        call_command("check", "--deploy", stdout=io.StringIO(), stderr=io.StringIO())


def test_without_a_canary_nothing_starts_and_a_migrate_sets_one():
    KeyCanary.objects.all().delete()
    with pytest.raises(WrongKey, match=r"manage\.py migrate"):
        check_keys()
    call_command("migrate", verbosity=0)
    check_keys()


def test_a_migrate_under_a_wrong_key_leaves_the_canary_alone(settings):
    settings.HUB_FIELD_KEYS = [OTHER_KEY]
    call_command("migrate", verbosity=0)
    with pytest.raises(WrongKey):
        check_keys()


def test_there_is_one_canary():
    with pytest.raises(IntegrityError):
        KeyCanary.objects.create(id=2, sealed=Sealed("x"))
