"""The three doors to integrations, each as a person or key who may change them."""

import html
import re
from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.urls import reverse

from tests.tenants.door import reauthenticate


def text_of(response):
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split()))


@dataclass
class Doors:
    """`post`: an action on an integration, such as "resume"."""

    rest_client: Any
    portal_client: Any
    staff_client: Any

    def post(self, door, integration, verb, answers=None):
        if door == "rest":
            url = f"/api/v1/integrations/{integration.public_id}/{verb}"
            return self.rest_client.post(url, {"answers": answers or {}}, format="json")
        if door == "portal":
            url = f"/t/{integration.tenant.reference}/integrations/{integration.public_id}/{verb}"
            return self.portal_client.post(url, answers or {}, follow=True)
        url = reverse("admin:recipes_integration_verb", args=[integration.pk, verb])
        return self.staff_client.post(url, {"sent": "yes", "reason": "why"}, follow=True)


def open_doors(make, api, tenant):
    portal_client, staff_client = Client(), Client()
    portal_client.force_login(make.membership(tenant, make.user(), role="admin").user)
    staff_client.force_login(make.staff(is_superuser=True))
    reauthenticate(staff_client)
    scopes = ("integrations:read", "integrations:write")
    return Doors(api.of(tenant, scopes=scopes), portal_client, staff_client)
