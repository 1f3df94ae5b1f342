"""Views of the log that a team keeps: save one, remove one."""

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from hub.clock import clock
from hub.portal.forms import ViewForm
from hub.portal.log.saved import TooMany, save
from hub.portal.models import SavedView
from hub.portal.views.acts import note
from tenants.models import Membership
from tenants.visitors import Visitor, for_visitors


def log_of(visitor: Visitor, query: str = "") -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse('portal:events', args=[visitor.tenant.reference])}?{query}")


@require_POST
@for_visitors(least=Membership.Role.ADMIN)
def keep(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    form, now = ViewForm(request.POST), clock()
    if not form.is_valid():
        messages.warning(request, _("It was not saved: narrow the log first, and give the view a name."))
        return log_of(visitor)
    name, query = form.cleaned_data["name"], form.cleaned_data["query"]
    try:
        with transaction.atomic():
            view = save(visitor.tenant, name, query, now=now)
            note(request, visitor, "view.save", view, now=now, after={"name": name, "query": query})
        messages.success(request, _("“%(name)s” is saved: your team finds it among the views.") % {"name": name})
    except TooMany:
        messages.warning(request, _("Your team has as many views as it may have: remove one first."))
    return log_of(visitor, query)


@require_POST
@for_visitors(least=Membership.Role.ADMIN)
def remove(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    view = get_object_or_404(SavedView.objects.of(visitor.tenant), public_id=id)
    with transaction.atomic():
        note(request, visitor, "view.remove", view, now=clock(), before={"name": view.name, "query": view.query})
        view.delete()
    messages.success(request, _("“%(name)s” is removed.") % {"name": view.name})
    return log_of(visitor)
