"""Base classes of the admin: fast with a million rows, and every change is audited."""

from typing import Any, NamedTuple

from django.contrib.admin import ShowFacets
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList as DjangoChangeList
from django.core.exceptions import ValidationError
from django.db import DataError, models, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.text import capfirst
from unfold.admin import ModelAdmin as UnfoldModelAdmin
from unfold.admin import StackedInline as UnfoldStackedInline
from unfold.admin import TabularInline as UnfoldTabularInline
from unfold.decorators import display
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList as UnfoldChangeList

from hub import audit
from hub.audit import AuditRow
from hub.staff.row_actions import RowActionsMixin, audit_staff_action
from hub.staff.url_values import select_valid_values, validate_moment

__all__ = ["EmptyStep", "ModelAdmin", "Paginator", "StackedInline", "TabularInline", "display"]

MAX_HISTORY_ROWS = 100  # on the history page of one object


class Paginator(InfinitePaginator):
    """A paginator that counts at most `COUNT_LIMIT` rows, so that long lists stay fast."""

    COUNT_LIMIT = 1000
    template_name = "console/pagination.html"

    @cached_property
    def capped_count(self) -> int:
        rows: models.QuerySet = self.object_list
        return rows.order_by().values("pk")[: self.COUNT_LIMIT + 1].count()

    @property
    def has_more(self) -> bool:
        return self.capped_count > self.COUNT_LIMIT

    @cached_property
    def count(self) -> int:
        return super().count if self.has_more else self.capped_count


class EmptyStep(NamedTuple):
    """The hint of an empty list: a link to the page of a URL name, for users who may open it."""

    label: str
    page: str
    permission: str


class ChangeList(UnfoldChangeList):
    """A list with its own title and its own text for an empty list, without a total of all rows."""

    def __init__(self, request: HttpRequest, *arguments: Any, **options: Any) -> None:
        super().__init__(request, *arguments, **options)
        self.title = self.model_admin.title_of_list()
        step = self.model_admin.empty_step
        self.empty_step = step if step and request.user.has_perm(step.permission) else None

    @property
    def is_filtered(self) -> bool:
        """Return whether a search or a filter is active."""
        return bool(self.query or self.has_active_filters)

    def get_results(self, request: HttpRequest) -> None:
        """Read the rows. Raises IncorrectLookupParameters when the URL has an impossible value."""
        try:
            with transaction.atomic():
                super().get_results(request)
        except (OverflowError, DataError) as error:  # by SQLite, by PostgreSQL
            raise IncorrectLookupParameters(error) from error
        self.full_result_count = self.result_count


class ModelAdmin(RowActionsMixin, UnfoldModelAdmin):
    """The base of the admin's pages; `row_actions` lists its @row_action methods shown as buttons.

    `search_fields` are indexed columns that are compared with the whole term, or with a prefix if
    the name begins with ^. `list_title` is the title of the list and its name in the menu, by
    default the plural name of the model. `empty_text` describes what an empty list will contain,
    and `empty_step` how to fill it.
    """

    list_title = ""
    empty_text = ""
    empty_step: EmptyStep | None = None

    paginator = Paginator
    show_full_result_count = False
    list_max_show_all = 0
    list_per_page = 50
    list_filter_submit = True
    list_filter_sheet = True
    actions: Any = None
    show_facets = ShowFacets.NEVER  # facets count all rows
    warn_unsaved_form = True
    compressed_fields = True

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[DjangoChangeList]:
        return ChangeList

    def title_of_list(self) -> str:
        return self.list_title or str(capfirst(self.opts.verbose_name_plural))

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet, search_term: str
    ) -> tuple[models.QuerySet, bool]:
        term = search_term.strip()
        return (queryset.filter(self.match_search(request, term)) if term else queryset), False

    def match_search(self, request: HttpRequest, term: str) -> models.Q:
        """Match the rows that a search finds, by default by their `search_fields`."""
        condition = models.Q(pk__in=())
        for column in self.get_search_fields(request):
            condition |= _search_condition(self.model, column, term)
        return condition

    def save_model(self, request: HttpRequest, obj: models.Model, form: Any, change: bool) -> None:
        columns = {field.name for field in self.opts.get_fields()}
        names = [
            name for name in (form.changed_data if change else form.cleaned_data) if name in columns
        ]
        before = (
            {name: _audit_representation(form.initial.get(name)) for name in names}
            if change
            else None
        )
        super().save_model(request, obj, form, change)
        after = {name: _audit_representation(form.cleaned_data.get(name)) for name in names}
        audit_staff_action(
            request,
            self.audit_verb("change" if change else "create"),
            obj,
            before=before,
            after=after,
        )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and isinstance(db_field, models.DateTimeField):
            field.validators.append(validate_moment)
        return field

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return the values of the URL that the form of a new row accepts."""
        values = super().get_changeform_initial_data(request)
        return select_valid_values(self.get_form(request)().fields, values)

    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        audit_staff_action(request, self.audit_verb("delete"), obj, before={"name": str(obj)})
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet) -> None:
        for obj in queryset:
            self.delete_model(request, obj)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write no log entry of Django's, as the change is audited."""

    log_change = log_addition

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Write no log entries of Django's, as the deletions are audited."""

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["show_save_and_add_another"] = False
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return the additional context of the list."""
        return {}

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**self.list_context(request), **(extra_context or {})}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the newest audit rows of this object."""
        obj = self.get_object(request, object_id)
        audit_rows = _audit_rows_about(obj) if obj is not None else AuditRow.objects.none()
        context = {"acts": audit_rows, **(extra_context or {})}
        response: HttpResponse = super().history_view(request, object_id, context)
        return response


def _search_condition(model: type[models.Model], column: str, term: str) -> models.Q:
    """Return a condition that matches nothing when the term cannot be a value of the column."""
    if column.startswith("^"):
        return models.Q(**{f"{column[1:]}__startswith": term})
    name = column.removesuffix("__exact")
    if "__" in name:  # the name of the column includes a lookup
        return models.Q(**{name: term})
    field = model._meta.get_field(name)
    assert isinstance(field, models.Field), f"{name} has no column"
    try:
        return models.Q(**{name: field.to_python(term)})
    except ValidationError:
        return models.Q(pk__in=())


def _audit_representation(value: Any) -> Any:
    return list(value) if isinstance(value, models.QuerySet) else value


def _audit_rows_about(obj: models.Model) -> models.QuerySet[AuditRow]:
    rows = audit.find_audit_rows(obj)
    return rows.order_by("-at")[:MAX_HISTORY_ROWS]


class TabularInline(UnfoldTabularInline):
    extra = 0

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Set `aria-label` on each field, since its visible label is the heading of the column."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field:
            field.widget.attrs["aria-label"] = field.label
        return field


class StackedInline(UnfoldStackedInline):
    extra = 0
