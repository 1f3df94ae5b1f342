"""Names stand in mails of ours."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from tenants.models import PortalLink, Tenant, User
from tenants.name_validation import validate_name

LURES = [
    "Ann\nBcc: x",
    "Ann\r\n",
    "Ann\u2028",
    "Ann\x00",
    "\u202eAnn",
    "See https://evil.example",
    "WWW.evil.example",
]


@pytest.mark.parametrize("name", LURES)
def test_a_name_is_one_line_and_no_address(name):
    with pytest.raises(ValidationError):
        validate_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "Ann Baker",
        "Booking.com",
        "Ågot Ø.",
        "山田 太郎",
        "👩\u200d🔧 Works",
        "O'Neil & Söhne: Tees",
    ],
)
@pytest.mark.django_db
def test_names_of_people_and_organisations_are_names(name, api):
    answer = api.platform().put("/api/v1/tenants/acme", {"name": name}, format="json")
    assert (answer.status_code, Tenant.objects.get().name) == (201, name)


@pytest.mark.django_db
def test_programs_and_people_are_refused_such_names(api, make, client):
    platform, lure = api.platform(), "Ann\nhttps://evil.example"
    assert (
        platform.put(
            "/api/v1/tenants/acme", {"name": lure, "time_zone": "UTC"}, format="json"
        ).status_code
        == 400
    )
    acme = make.tenant("acme")
    data = {"tenant": "acme", "user": "u-7", "role": "admin", "name": lure}
    assert platform.post("/api/v1/portal-links", data, format="json").status_code == 400
    assert not Tenant.objects.filter(name=lure).exists() and not PortalLink.unscoped.exists()
    client.post(reverse("people:invitation", args=[make.invitation(acme, "bob@acme.test").token]))
    form = client.post(
        reverse("account_signup"),
        {"name": "See https://evil.example", "password1": "battery staple 9"},
    )
    assert (
        "cannot contain a web address" in form.content.decode()
        and not User.objects.filter(email="bob@acme.test").exists()
    )
