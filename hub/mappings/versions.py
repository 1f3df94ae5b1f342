"""Let a mapping say something else: a new version, and a bell for what the old one held."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from hub.mappings.models import FieldMapping, MappingVersion
from hub.queue import wake_up


def save_mapping_version(
    mapping: FieldMapping, body: Mapping[str, Any], *, user: Any, now: datetime
) -> MappingVersion | None:
    """The new version; None where the mapping says that already."""
    with transaction.atomic():
        FieldMapping.unscoped.select_for_update().get(
            pk=mapping.pk
        )  # two people at once make two versions
        newest = mapping.versions.order_by("-number").first()
        if newest and is_same_json(newest.body, body):
            return None
        number = newest.number + 1 if newest else 1
        version = MappingVersion.unscoped.create(
            mapping=mapping, number=number, body=body, created_at=now, created_by=user
        )
        wake_up("drain", now=now)
    return version


def is_same_json(first: Any, second: Any) -> bool:
    """As JSON: true is not 1 there, and the order of keys says nothing."""
    return json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
