"""Create, change and delete field mappings; each writes its audit rows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import RestrictedError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connectors.registry import CONNECTORS
from hub.actions import Action, ActionForm, declare_actions
from hub.audit import ActorContext
from hub.mappings.compiler_cache import check_body_compiles
from hub.mappings.models import FieldMapping, MappingVersion
from hub.mappings.translate import MappingError
from hub.mappings.versions import is_same_json, revise_mapping
from hub.problems import Refusal
from tenants.models import Tenant

WRITE_SCOPE = "mappings:write"
VERSIONS_OFFERED = 100
NEEDS_A_BODY = "This action needs a mapping. You can start from its example."
SHARED_MAPPING = "This is a platform mapping, which applies to all tenants. Choose a new mapping."


class MappingInUse(Refusal):
    """A mapping that routes use, or that an integration made, cannot be deleted."""

    sentence = gettext_lazy(
        "Routes or an integration use this mapping. Delete them first, or give them another "
        "mapping."
    )


def create_mapping(
    mapping: FieldMapping, body: Mapping[str, Any], actor: ActorContext, *, now: datetime
) -> FieldMapping:
    """Store an unsaved mapping with its first version.

    Raises ValidationError by field.
    """
    _check_columns(mapping)
    check_mapping_body(mapping.connector_key, mapping.action, body)
    mapping.created_at = now
    after = {"name": mapping.name, "connector": mapping.connector_key, "action": mapping.action}
    with transaction.atomic():
        mapping.save(force_insert=True)
        actor.audit("fieldmapping.create", mapping, after=after, now=now)
        revise_mapping(mapping, body, actor, now=now)
    return mapping


def change_mapping(
    mapping: FieldMapping,
    actor: ActorContext,
    *,
    name: str | None = None,
    body: Mapping[str, Any] | None = None,
    now: datetime,
) -> FieldMapping:
    """Set the name of a mapping, and store a new version if its body differs.

    None keeps the current name or body. Raises ValidationError by field.
    """
    if body is not None:  # compiling takes a while, in which others must be able to write
        check_mapping_change(mapping, body, actor)
        check_mapping_body(mapping.connector_key, mapping.action, body)
    with transaction.atomic():
        stored = FieldMapping.unscoped.select_for_update(no_key=True).get(pk=mapping.pk)
        if body is not None:
            revise_mapping(mapping, body, actor, now=now)
        if name is not None and name != stored.name:
            _rename_mapping(mapping, stored.name, name, actor, now=now)
    return mapping


def _rename_mapping(
    mapping: FieldMapping, old_name: str, name: str, actor: ActorContext, *, now: datetime
) -> None:
    mapping.name = name
    _check_columns(mapping)
    mapping.save(update_fields=["name"])
    before, after = {"name": old_name}, {"name": name}
    actor.audit("fieldmapping.rename", mapping, before=before, after=after, now=now)


def restore_mapping_version(
    mapping: FieldMapping, version: MappingVersion, actor: ActorContext, *, now: datetime
) -> MappingVersion | None:
    """Store the body of an older version as the newest one, and return it; versions never change.

    None if the newest version has this body. Raises ValidationError by field.
    """
    assert version.mapping_id == mapping.pk
    check_mapping_change(mapping, version.body, actor)
    check_mapping_body(mapping.connector_key, mapping.action, version.body)
    with transaction.atomic():
        FieldMapping.unscoped.select_for_update(no_key=True).get(pk=mapping.pk)
        restored = revise_mapping(mapping, version.ordered_body, actor, now=now)
        if restored:
            after = {"version": restored.number, "restored_version": version.number}
            actor.audit("fieldmapping.restore", mapping, after=after, now=now)
    return restored


def restore_numbered_version(
    mapping: FieldMapping, actor: ActorContext, *, version: int, now: datetime
) -> MappingVersion | None:
    """Restore the version with this number. Raises ValidationError by field."""
    older = mapping.versions.filter(number=version).first()
    if older is None:
        raise ValidationError({"version": _("There is no such version.")})
    return restore_mapping_version(mapping, older, actor, now=now)


def copy_mapping(
    mapping: FieldMapping, tenant: Tenant, name: str, actor: ActorContext, *, now: datetime
) -> FieldMapping:
    """Create a mapping of the tenant with the newest body of this one. Raises ValidationError."""
    copied = FieldMapping(
        tenant=tenant, name=name, connector_key=mapping.connector_key, action=mapping.action
    )
    return create_mapping(copied, mapping.current.ordered_body, actor, now=now)


@transaction.atomic
def delete_mapping(mapping: FieldMapping, actor: ActorContext, *, now: datetime) -> None:
    """Delete a mapping with its versions.

    Raises MappingInUse when a route uses it, or an integration made it.
    """
    FieldMapping.unscoped.select_for_update().get(pk=mapping.pk)
    if mapping.routes.exists():
        raise MappingInUse
    actor.audit("fieldmapping.delete", mapping, before={"name": mapping.name}, now=now)
    try:
        mapping.delete()
    except RestrictedError:
        raise MappingInUse from None


def _check_columns(mapping: FieldMapping) -> None:
    """Raise ValidationError by field when a column cannot be stored."""
    mapping.clean_fields(exclude={"tenant"})
    if "\0" in mapping.name:  # PostgreSQL refuses it
        raise ValidationError({"name": _("Null characters are not allowed.")})


def check_mapping_body(connector_key: str, action_key: str, body: Mapping[str, Any]) -> None:
    """Raise ValidationError unless the action exists and this can be the body of its mapping."""
    try:
        action = CONNECTORS[connector_key].action(action_key)
    except LookupError:
        raise ValidationError({"action": "This connector has no such action."}) from None
    if not body and not action.default:
        raise ValidationError({"body": NEEDS_A_BODY})
    try:
        check_body_compiles(dict(body))
    except MappingError as error:
        raise ValidationError({"body": str(error)}) from None


def check_mapping_change(
    mapping: FieldMapping, body: Mapping[str, Any], actor: ActorContext
) -> None:
    """Raise ValidationError when the body differs and only the platform may change the mapping."""
    is_changed = not is_same_json(mapping.current.body, body)
    if is_changed and mapping.tenant_id is None and not actor.is_unrestricted:
        raise ValidationError({"body": SHARED_MAPPING})


class RestoreForm(ActionForm):
    version = forms.ModelChoiceField(
        MappingVersion.unscoped.none(),
        label=gettext_lazy("Version"),
        empty_label=None,
        to_field_name="number",
    )

    def __init__(self, *args: Any, obj: FieldMapping, **options: Any) -> None:
        super().__init__(*args, obj=obj, **options)
        version = self.fields["version"]
        assert isinstance(version, forms.ModelChoiceField)
        version.queryset = obj.versions.order_by("-number")
        version.choices = [
            (older.number, f"v{older.number}, {older.created_at:%Y-%m-%d %H:%M} UTC")
            for older in version.queryset[1 : VERSIONS_OFFERED + 1]
        ]

    def clean_version(self) -> int:
        return int(self.cleaned_data["version"].number)


def _describe_restored(restored: MappingVersion | None) -> str:
    if restored is None:
        return _("Nothing was changed: the newest version is the same.")
    return _("It has been restored as version %(number)s.") % {"number": restored.number}


MAPPING_ACTIONS = declare_actions(
    Action[FieldMapping](
        name="restore",
        label=gettext_lazy("Restore a version"),
        question=gettext_lazy(
            "The body of the older version becomes a new version, which applies from now on. "
            "Nothing changes if the newest one has the same body."
        ),
        success=gettext_lazy("The version has been restored."),
        summary="Restore a version of a field mapping",
        run=restore_numbered_version,
        describe_result=_describe_restored,
        is_success=lambda restored: restored is not None,
        form=RestoreForm,
        is_atomic=False,  # it is compiled before its transaction
        is_available=lambda mapping: mapping.versions.count() > 1,
        scope=WRITE_SCOPE,
        icon="history",
    ),
)
