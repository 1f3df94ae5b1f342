"""REST API: sources with the proofs that their webhooks arrive, and gaps in what was received."""

from typing import ClassVar
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from hub.incoming.api.webhook_subscriptions import READ
from hub.incoming.gaps.gap_actions import GAP_ACTIONS, SOURCE_READ_ACTIONS
from hub.incoming.insight.gap_page import readable_gaps
from hub.incoming.insight.source_health import readable_sources
from hub.incoming.models import InboundGap, InboundSource
from hub.incoming.serializers.gaps import GapSerializer
from hub.incoming.serializers.sources import SourceReadSerializer, SourceSerializer
from hub.rest.actions import ActionAnswer, ActionBody, ActionResource, build_action_urls
from hub.rest.openapi import request_example
from hub.rest.pagination import PageQuery
from hub.rest.views import build_detail, build_list
from tenants.access.api_authentication import in_tenant
from tenants.scoping import accessible_tenants, changeable_condition


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
    return readable_gaps(accessible_tenants(request.user))


def find_source(request: Request, id: UUID) -> InboundSource:
    return get_object_or_404(query_sources(request), public_id=id)


def find_gap(request: Request, id: UUID) -> InboundGap:
    return get_object_or_404(query_gaps(request), public_id=id)


def find_changeable_source(request: Request, id: UUID) -> InboundSource:
    changeable = changeable_condition(InboundSource, accessible_tenants(request.user))
    return get_object_or_404(query_sources(request).filter(changeable), public_id=id)


def find_changeable_gap(request: Request, id: UUID) -> InboundGap:
    changeable = changeable_condition(InboundGap, accessible_tenants(request.user))
    return get_object_or_404(query_gaps(request).filter(changeable), public_id=id)


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


EXAMPLE_TIMES = {"from": "2026-10-01T09:00:00Z", "to": "2026-10-01T12:00:00Z"}
SOURCE_ACTION_URLS = build_action_urls(
    ActionResource(
        rows="sources",
        row="source",
        find=find_source,
        find_changeable=find_changeable_source,
        serializer=SourceSerializer,
        serialize=lambda request, source: SourceSerializer(source).data,
        bodies={
            "read_missed": ActionBody(
                SourceReadSerializer, [request_example("a time", EXAMPLE_TIMES)]
            )
        },
        answers={
            "read_missed": ActionAnswer(
                GapSerializer, lambda gap, source: GapSerializer(gap).data, 202
            )
        },
    ),
    SOURCE_READ_ACTIONS,
)
GAP_ACTION_URLS = build_action_urls(
    ActionResource(
        rows="gaps",
        row="gap",
        find=find_gap,
        find_changeable=find_changeable_gap,
        serializer=GapSerializer,
        serialize=lambda request, gap: GapSerializer(gap).data,
    ),
    GAP_ACTIONS,
)
