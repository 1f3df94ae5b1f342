"""The certificate of a reconciliation, to download."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from hub.scheduled.insight.certificates import build_certificate_file
from hub.scheduled.models import Run
from tenants.access.tenant_users import TenantUser, tenant_view


@require_safe
@tenant_view()
def download_certificate(
    request: HttpRequest, tenant_user: TenantUser, id: UUID, kind: str
) -> HttpResponse:
    runs = Run.objects.of(tenant_user.tenant).select_related("job", "tenant")
    run = runs.filter(public_id=id).first()
    file = build_certificate_file(run, kind) if run else None
    if file is None:
        raise Http404(id)
    response = HttpResponse(file.content, content_type=file.content_type)
    response["Content-Disposition"] = f'attachment; filename="{file.name}"'
    return response
