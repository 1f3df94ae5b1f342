"""Versions of field mappings: a new one wakes the release of deliveries that an older one held."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from hub.audit import ActorContext
from hub.mappings.body_order import list_leaf_paths
from hub.mappings.models import FieldMapping, MappingVersion
from hub.queue import wake_up
from tenants.models import User


def save_mapping_version(
    mapping: FieldMapping, body: Mapping[str, Any], *, user: User | None, now: datetime
) -> MappingVersion | None:
    """Store and return a new version of the mapping; None if the newest version has this body.

    In the latter case the newest version takes the new order of fields, which does not change what
    is sent.
    """
    with transaction.atomic():
        # two people at once make two versions
        FieldMapping.unscoped.select_for_update().get(pk=mapping.pk)
        newest = mapping.versions.order_by("-number").first()
        if newest and is_same_json(newest.body, body):
            _store_field_order(newest, body)
            return None
        number = newest.number + 1 if newest else 1
        version = MappingVersion.unscoped.create(
            mapping=mapping, number=number, body=body, created_at=now, created_by=user
        )
        wake_up("drain", now=now)
    return version


def _store_field_order(version: MappingVersion, body: Mapping[str, Any]) -> None:
    paths = list_leaf_paths(body)
    if version.field_order != paths:
        version.field_order = paths
        version.save(update_fields=["field_order"])


@transaction.atomic
def revise_mapping(
    mapping: FieldMapping, body: Mapping[str, Any], actor: ActorContext, *, now: datetime
) -> MappingVersion | None:
    """Store a new version, audit and return it; None if the newest version has this body."""
    version = save_mapping_version(mapping, body, user=actor.user, now=now)
    if version:
        after = {"version": version.number, "body": version.body}
        actor.audit("fieldmapping.revise", mapping, after=after, now=now)
    return version


def is_same_json(first: Any, second: Any) -> bool:
    """Compare as JSON: true is not 1, and the order of keys does not matter."""
    return json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
