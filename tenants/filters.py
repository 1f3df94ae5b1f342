"""Every list filter over a relation shows only what the person may see, without having to ask for it."""

from django.contrib.admin.filters import FieldListFilter, RelatedFieldListFilter

from tenants.scoping import ScopedChoicesMixin


class ScopedRelatedFilter(ScopedChoicesMixin, RelatedFieldListFilter):
    pass


FieldListFilter.register(lambda field: field.remote_field, ScopedRelatedFilter, take_priority=True)
