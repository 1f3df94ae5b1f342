"""Two installations with one account, one of them below the other's path for webhooks."""

from datetime import timedelta

import pytest
from django.db import transaction

from hub.audit import ActorContext
from hub.connections.credentials.provider_call import Patience, TimeSlice
from hub.db.clock import clock
from hub.incoming.models import WebhookAddress
from hub.incoming.registration.actions import rotate_subscription
from hub.incoming.registration.installation.own_urls import is_own_url
from hub.incoming.registration.unregister import unregister_webhooks
from tests.hub.incoming.registration.sandbox_account import SandboxAccount

pytestmark = pytest.mark.django_db(transaction=True)
URLS = ("https://a.example", "https://a.example/hooks/b")


class Installation(SandboxAccount):
    """An installation: its address, and its own connection to the account."""

    def __init__(self, make, desk, system, settings, url):
        super().__init__(make, desk, system)
        self.settings, self.url = settings, url

    def be_the_one(self):
        self.settings.HUB_PUBLIC_URL = self.url
        WebhookAddress.objects.all().delete()
        return self

    def rotate(self):
        rotate_subscription(self.be_the_one().subscription, ActorContext.system(), now=clock())
        self.check()

    def disconnect(self):
        with transaction.atomic():
            self.be_the_one().connection.disconnect(keeps_events=True, now=clock())
        self.connection.refresh_from_db()
        outcome = unregister_webhooks(
            self.connection,
            self.credential,
            clock(),
            account=self.connection.account,
            call=self,
            time_slice=TimeSlice.begin(clock),
            patience=Patience(timedelta(seconds=3), lambda seconds: None),
            progress={},
        )
        assert outcome is None


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("system", ["pipedrive", "salesforce"])
def test_each_leaves_the_others_webhooks_alone(make, desk, settings, system, order):
    both = [Installation(make, desk, system, settings, url) for url in URLS]
    one, other = (both[index] for index in order)
    for installation in (one, other, one):
        assert installation.be_the_one().check().state == "verified"
    (theirs,) = other.be_the_one().find_registrations()
    (former,) = one.be_the_one().find_registrations()
    one.rotate()
    (rotated,) = one.find_registrations()
    assert (rotated.url, rotated.secret) != (former.url, former.secret)
    one.disconnect()
    assert one.find_registrations() == []
    other.requests.clear()
    assert other.be_the_one().check().state == "verified"
    assert (other.find_registrations(), other.list_writes()) == ([theirs], [])


@pytest.mark.parametrize(
    ("url", "is_own"),
    [
        ("https://a.example/hooks/pipedrive/An-old_key/", True),
        ("https://a.example/hooks/pipedrive/An-old_key/?change=created", True),
        ("https://a.example/hooks/salesforce/key/", False),
        ("https://a.example/hooks/pipedrive/key", False),
        ("https://a.example/hooks/pipedrive//", False),
        ("https://a.example/hooks/pipedrive/key/more/", False),
        ("https://a.example/hooks/b/hooks/pipedrive/key/", False),
        ("https://a.example/hooks/pipedrive/hooks/pipedrive/key/", False),
        ("https://a.example.test/hooks/pipedrive/key/", False),
        ("", False),
    ],
)
def test_a_url_is_ours_exactly(settings, url, is_own):
    settings.HUB_PUBLIC_URL = "https://a.example"
    assert is_own_url(url, "pipedrive") is is_own
