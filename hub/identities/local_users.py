"""Store the users of our own application, as a program sends them in bulk."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from connectors.directories import Person
from hub.audit import ActorContext
from hub.identities.people_store import (
    StoredPeople,
    deactivate_unlisted_users,
    select_local_users,
    store_local_users,
)
from hub.identities.safety_valve import SafetyValveStopped, count_deactivations
from tenants.models import Tenant

USERS_MAX = 5_000  # of one request


@transaction.atomic
def put_local_users(
    tenant: Tenant,
    people: Sequence[Person],
    actor: ActorContext,
    *,
    complete: bool = False,
    are_deactivations_confirmed: bool = False,
    now: datetime,
) -> StoredPeople:
    """Store our users, in a fixed number of queries for each thousand.

    `complete`: the list contains all users, so the tenant's other users are deactivated. Raises
    SafetyValveStopped, and stores nothing, if these are too many and the list was not confirmed.
    """
    stored = store_local_users(tenant, people, now=now)
    if complete:
        deactivations = count_deactivations(select_local_users(tenant), since=now)
        if deactivations.exceeds_limits and not are_deactivations_confirmed:
            raise SafetyValveStopped(deactivations)
        stored = replace(stored, deactivated=deactivate_unlisted_users(tenant, since=now))
    after = {
        "created": stored.created,
        "updated": stored.updated,
        "deactivated": stored.deactivated,
        "complete": complete,
    }
    actor.audit("tenant.put_users", tenant, after=after, now=now)
    return stored
