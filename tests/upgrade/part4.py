"""A hub of part 4 in the middle of its work, written by part 4's own code: see README.md beside
this file.
"""

from hub.connections.wish import wish
from hub.outgoing.pump.claim import claim
from hub.outgoing.pump.reading import Reading
from hub.outgoing.pump.strides import Strides
from hub.secrets import seal

from hub.audit import SYSTEM, Hand
from hub.connections.models import Authorization, Credential, Revocation
from hub.mail.models import Mail
from hub.notices.models import ConnectionMailChoice, MailChoice, MailHours
from tenants.models import Membership
from tests.makers import MINUTE, NOON, Makers
from tests.upgrade.part1 import (
    DEAD_PUMP,
    LATER,
    asked_to_wait,
    bells,
    broken,
    cancelled,
    people,
    stopped,
    systems,
    waiting,
)
from tests.upgrade.part2 import (
    at_work,
    expiring,
    gone,
    once,
    operations,
    ordered,
    poisonous,
    resting,
    switched_off,
)

TOKENS = {"access_token": "xoxe.xoxb-1", "refresh_token": "xoxe-1"}


def fill():
    make = Makers()
    acme, globex = people(make)
    systems(make, acme)
    systems(make, globex)
    stopped(make, acme)
    broken(make, globex)
    gone(make, globex)
    operations(make, acme)
    cancelled()
    ordered(make, acme)
    once(make, acme)
    expiring(make, acme)
    resting(make, globex)
    refreshing(make, acme)
    connecting(make, acme)
    habits(make, acme)
    interrupted(make, acme, globex)
    poisonous()
    waiting(make, acme, globex)
    switched_off(make, globex)
    at_work()
    mails()
    bells()


def refreshing(make, tenant):
    """A credential whose refresh was on its way, and may have been answered."""
    slack = make.connection(tenant, "slack", name="refreshing")
    Credential.unscoped.filter(pk=slack.pk).update(
        lives={
            "": {"given": NOON.isoformat(), "ends": None, "due": LATER.isoformat(), "rotates": True}
        },
        expires_at=NOON + 60 * MINUTE,
        refresh_at=LATER,
        asked_at=LATER,
        refreshing_until=LATER + MINUTE,
        unsure_since=LATER,
        failures=2,
    )


def connecting(make, tenant):
    """An authorization under way, links, an identity, and a token that is to be revoked."""
    make.authorization(tenant, now=NOON)
    late = make.authorization(tenant, "salesforce", now=NOON)
    Authorization.unscoped.filter(pk=late.pk).update(
        state="failed", reason="denied", says="the user said no"
    )
    make.connect_link(tenant, now=NOON)
    make.portal_link(tenant, now=NOON)
    revocation = Revocation(
        tenant=tenant, connector="slack", account="T9", due_at=NOON, created_at=NOON, tries=1
    )
    revocation.sealed = seal({"settings": {}, "secret": TOKENS}, revocation.binding)
    revocation.save()


def habits(make, tenant):
    """What people asked for, saved and chose."""
    wish(tenant, "Fax machine", Hand(SYSTEM), now=NOON)
    make.saved_view(tenant, query="state=dead&type=order.%2A")
    membership = Membership.unscoped.get(tenant=tenant)
    MailChoice.unscoped.create(membership=membership, kind="degraded", wanted=True)
    connection = tenant.connections.earliest("pk")
    ConnectionMailChoice.unscoped.create(
        membership=membership, connection=connection, kind="failing", wanted=False
    )
    MailHours.unscoped.create(membership=membership, digest=True, digest_hour=7)


def interrupted(make, *tenants):
    """What a pump had claimed, and what it had been asked to wait with, when it was killed."""
    asked_to_wait(make, *tenants)
    claim(DEAD_PUMP, Reading(), Strides(), now=LATER)


def mails():
    """One that waits, and one that was given up."""
    for state in ("waiting", "dead"):
        mail = Mail(
            to=f"{state}@acme.example.com",
            kind="notices/notice.txt",
            created_at=NOON,
            until=NOON + 60 * MINUTE,
        )
        mail.state, mail.tries, mail.due_at = state, 3, NOON if state == "waiting" else None
        mail.sealed = seal({"subject": "Hello", "text": "It waits."}, mail.binding)
        mail.save()
