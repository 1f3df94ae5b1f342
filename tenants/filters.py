"""List filters: each filter over a relation offers only rows that the user may see."""

from django.contrib.admin.filters import FieldListFilter, RelatedFieldListFilter

from tenants.scoping import ScopedChoicesMixin


class ScopedRelatedFilter(ScopedChoicesMixin, RelatedFieldListFilter):
    pass


FieldListFilter.register(lambda field: field.remote_field, ScopedRelatedFilter, take_priority=True)
