import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpResponse

from tenants.access.tenant_users import find_tenant_user, tenant_view


@tenant_view()
def page(request, visitor):
    return HttpResponse(f"{visitor.tenant.reference} {visitor.role}")


@tenant_view(min_role="admin")
def closed_page(request, visitor):
    return HttpResponse()


@pytest.fixture
def build_request(rf):
    def build_request(user):
        request = rf.get("/t/acme/")
        request.user, request.session = user, {}
        return request

    return build_request


def test_a_member_comes_in(make, acme, build_request):
    user = make.membership(acme, make.user()).user
    assert page(build_request(user), "acme").content == b"acme member"


def test_a_stranger_does_not_learn_that_the_tenant_exists(make, acme, globex, build_request):
    stranger = make.membership(globex, make.user(), role="owner").user
    with pytest.raises(Http404):
        page(build_request(stranger), "acme")


def test_who_is_not_signed_in_is_asked_to(acme, build_request):
    answer = page(build_request(AnonymousUser()), "acme")
    assert answer.status_code == 302 and answer["Location"].endswith("next=/t/acme/")


@pytest.mark.corrections(item="3.9")
def test_a_member_may_not_what_an_admin_may_and_reads_whom_to_ask(make, acme, build_request):
    make.membership(acme, make.user("owner@acme.test"), role="owner")
    answer = closed_page(build_request(make.membership(acme, make.user()).user), "acme")
    text = answer.content.decode()
    assert answer.status_code == 403 and "Owners and admins of your organisation" in text
    assert "owner@acme.test" in text and "operator of this hub" not in text


def test_an_actor_is_audited_by_name(make, acme, build_request):
    user = make.membership(acme, make.user(), role="owner").user
    assert find_tenant_user(build_request(user), "acme").actor.label == user.email


@pytest.mark.parametrize("reference", ["%00", "acme%00", "%0Aacme", "%F0%9F%98%80"])
def test_an_unknown_reference_has_no_page(client, ann, reference):
    client.force_login(ann)
    assert client.get(f"/t/{reference}/").status_code == 404
