"""Clients of staff: one who may do everything, and staff of some tenants."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client


@pytest.fixture
def root(client, make):
    client.force_login(make.user(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def staff_of(make):
    """A client of staff of these tenants, who may do everything there."""

    def login(*tenants):
        user = make.staff(*tenants)
        user.user_permissions.set(Permission.objects.all())
        client = Client()
        client.force_login(user)
        return client

    return login
