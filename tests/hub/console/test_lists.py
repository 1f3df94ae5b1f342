"""The lists that staff see."""

import re

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils.text import capfirst

pytestmark = pytest.mark.django_db


def test_a_list_has_the_name_of_what_it_lists(make, client):
    client.force_login(make.staff(is_superuser=True))
    reverse("admin:index")  # the pages are registered with the addresses
    found = {}
    for listed in (model._meta for model in admin.site._registry):
        page = client.get(reverse(f"admin:{listed.app_label}_{listed.model_name}_changelist")).text
        found[capfirst(listed.verbose_name_plural)] = re.search(r"<title>\s*(.*?) \|", page)[1]
    assert len(found) > 10 and list(found) == list(found.values())
