"""REST API: sources with the proofs that their webhooks arrive, and gaps in what was received."""

from typing import ClassVar
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from hub.incoming.api.webhook_subscriptions import READ
from hub.incoming.insight.source_health import readable_sources
from hub.incoming.models import InboundGap, InboundSource
from hub.incoming.serializers import GapSerializer, SourceSerializer
from hub.rest.pagination import PageQuery
from hub.rest.views import build_detail, build_list
from tenants.access.api_authentication import in_tenant
from tenants.scoping import accessible_tenants, readable_condition


class SourcesQuery(PageQuery):
    tenant = serializers.CharField(required=False)
    state = serializers.ChoiceField(InboundSource.State.choices, required=False)
    connector = serializers.CharField(max_length=40, required=False)
    connection = serializers.UUIDField(required=False)


class GapsQuery(PageQuery):
    tenant = serializers.CharField(required=False)
    state = serializers.ChoiceField(InboundGap.State.choices, required=False)
    connection = serializers.UUIDField(required=False)
    source = serializers.UUIDField(required=False)  # type: ignore[assignment]


def query_sources(request: Request) -> QuerySet[InboundSource]:
    unfinished = InboundGap.unscoped.filter(state__in=InboundGap.UNFINISHED_STATES)
    return readable_sources(accessible_tenants(request.user)).prefetch_related(
        Prefetch("gaps", unfinished), "rhythms"
    )


def query_gaps(request: Request) -> QuerySet[InboundGap]:
    gaps = InboundGap.unscoped.select_related("tenant", "connection", "source")
    return gaps.filter(readable_condition(InboundGap, accessible_tenants(request.user)))


def find_source(request: Request, id: UUID) -> InboundSource:
    return get_object_or_404(query_sources(request), public_id=id)


def find_gap(request: Request, id: UUID) -> InboundGap:
    return get_object_or_404(query_gaps(request), public_id=id)


class SourcesView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    get = build_list(
        "sources_list",
        "List sources",
        "List the kinds of record whose changes are received, newest first.",
        SourceSerializer,
        page="SourcePage",
        rows=in_tenant(query_sources),
        query=SourcesQuery,
        filters={
            "state": "state",
            "connector": "connection__connector_key",
            "connection": "connection__public_id",
        },
    )


class SourceView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    get = build_detail(
        "sources_read",
        "Read a source",
        "Return a source with the time until which nothing was missed.",
        SourceSerializer,
        find_source,
    )


class GapsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    get = build_list(
        "gaps_list",
        "List gaps",
        "List the times in which changes may have been missed, newest first.",
        GapSerializer,
        page="GapPage",
        rows=in_tenant(query_gaps),
        query=GapsQuery,
        filters={
            "state": "state",
            "connection": "connection__public_id",
            "source": "source__public_id",
        },
    )


class GapView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    get = build_detail(
        "gaps_read",
        "Read a gap",
        "Return a gap with what its read found.",
        GapSerializer,
        find_gap,
    )
