"""REST of connectors: the systems that can be connected, and the fields of each."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from connectors.registry import CONNECTORS
from hub.connections.api import openapi_examples
from hub.connections.api.catalogue_serializers import ConnectorListSerializer
from hub.connections.models import ConnectorApp
from hub.rest import openapi


class ConnectorsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": openapi_examples.READ}

    @openapi.describe_operation(
        "connectors_list",
        "List connectors",
        {200: ConnectorListSerializer},
    )
    def get(self, request: Request) -> Response:
        """List all connectors, with the texts that people read before they connect."""
        offered = [connector for connector in CONNECTORS.values() if not connector.is_for_platform]
        return Response(
            ConnectorListSerializer(
                {"items": offered}, context={"ready": ConnectorApp.list_configured_connector_keys()}
            ).data
        )
