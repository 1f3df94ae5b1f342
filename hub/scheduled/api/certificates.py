"""REST API: the certificate of a reconciliation, as JSON or as text."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.problems import Problem
from hub.rest import openapi
from hub.scheduled.api.discrepancies import READ
from hub.scheduled.api.discrepancy_serializers import CertificateSerializer
from hub.scheduled.insight.certificates import build_certificate, format_certificate
from hub.scheduled.models import Run
from tenants.scoping import accessible_tenants, readable_condition


class CertificateTextRenderer(BaseRenderer):
    """Renders a certificate as text; problems are rendered as JSON."""

    media_type, format, charset = "text/plain", "txt", "utf-8"

    def render(
        self,
        data: Mapping[str, Any],
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> str | bytes:
        if "statement" not in data:
            rendered: bytes = JSONRenderer().render(data)
            return rendered
        return format_certificate(data)


class CertificateView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}
    renderer_classes = (JSONRenderer, CertificateTextRenderer)

    @openapi.describe_operation(
        "runs_certificate",
        "Download the certificate of a run",
        {200: CertificateSerializer},
        problems=openapi.CHANGE_PROBLEMS,
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Return what a reconciliation compared and how much was equal, as JSON, or as text with
        `Accept: text/plain` or `?format=txt`. A digest covers all entries.
        """
        runs = Run.unscoped.select_related("job", "tenant")
        condition = readable_condition(Run, accessible_tenants(request.user))
        run = runs.filter(condition, public_id=id).first()
        if run is None:
            raise Http404
        certificate = build_certificate(run)
        if certificate is None:
            raise Problem("wrong-state", "Only a reconciliation that has finished certifies.")
        extension = "txt" if request.accepted_renderer.format == "txt" else "json"
        name = f'attachment; filename="certificate-{run.public_id}.{extension}"'
        return Response(certificate, headers={"Content-Disposition": name})
