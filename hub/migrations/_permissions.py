"""Permissions of models that are renamed: Django renames their content types, and not the permissions."""

from django.db import migrations

ACTIONS = ("add", "change", "delete", "view")


def rename_permissions(app_label: str, names: dict[str, str]) -> migrations.RunPython:
    """Rename the permissions of models, by their old names in lower case: who had a right keeps it."""

    def rename(apps, pairs):
        permissions = apps.get_model("auth", "Permission").objects
        for old, new in pairs:
            for action in ACTIONS:
                rows = permissions.filter(
                    content_type__app_label=app_label, codename=f"{action}_{old}"
                )
                rows.update(codename=f"{action}_{new}")

    return migrations.RunPython(
        lambda apps, schema_editor: rename(apps, names.items()),
        lambda apps, schema_editor: rename(apps, [(new, old) for old, new in names.items()]),
    )
