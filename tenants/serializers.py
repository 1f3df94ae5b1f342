"""Serializers of tenants, API keys, members, invitations and portal links."""

from rest_framework import serializers

from hub.problems import StrictSerializer
from tenants.models import (
    REFERENCE,
    ApiKey,
    Invitation,
    Membership,
    PortalLink,
    Tenant,
    validate_time_zone,
)
from tenants.name_validation import validate_name
from tenants.services.portal_link_actions import is_allowed_return_url


class SuspendSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=300)


class WantedTenantSerializer(StrictSerializer):
    """Values of a tenant; an omitted value is not changed."""

    name = serializers.CharField(max_length=200, validators=[validate_name])
    time_zone = serializers.CharField(
        max_length=64, required=False, validators=[validate_time_zone]
    )
    suspended = SuspendSerializer(
        source="suspension", required=False, allow_null=True, help_text="null: not suspended."
    )


class SuspensionSerializer(serializers.Serializer):
    reason = serializers.CharField()
    since = serializers.DateTimeField()


class TenantSerializer(serializers.Serializer):
    """One customer organisation."""

    id = serializers.UUIDField(source="public_id")
    reference = serializers.CharField()
    name = serializers.CharField()
    time_zone = serializers.CharField()
    suspended = SuspensionSerializer(
        source="suspension", allow_null=True, help_text="null: not suspended."
    )
    created_at = serializers.DateTimeField()


class TenantOfKeySerializer(serializers.ModelSerializer):
    class Meta:
        model = Tenant
        fields = ("reference", "name", "time_zone")


class KeySerializer(serializers.ModelSerializer):
    id = serializers.CharField(source="prefix", help_text="The public part of the key.")

    class Meta:
        model = ApiKey
        fields = ("id", "name", "created_at", "expires_at", "last_used_at")


class LimitSerializer(serializers.Serializer):
    name = serializers.CharField(
        help_text="The name used in the RateLimit header and in the problem quota-exceeded."
    )
    quota = serializers.IntegerField(allow_null=True, help_text="null: not limited.")
    seconds = serializers.IntegerField(
        allow_null=True,
        help_text="Length of the window in seconds; null: a limit of concurrent items.",
    )
    used = serializers.IntegerField(
        allow_null=True, help_text="Usage in the current window (upper bound); null: no window."
    )


class LimitsSerializer(serializers.Serializer):
    event_bytes = serializers.IntegerField(help_text="Maximum for one event.")
    batch_events = serializers.IntegerField(help_text="Maximum number of events in one request.")
    request_bytes = serializers.IntegerField(help_text="Maximum for one request.")
    tenant = LimitSerializer(
        many=True,
        help_text="Limits for all keys of the tenant together; empty for a platform key.",
    )
    key = LimitSerializer(many=True, help_text="Limits for this key.")


class MeSerializer(serializers.Serializer):
    """The API key in use, with its tenant, scopes and limits."""

    key = KeySerializer()
    environment = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    tenant = TenantOfKeySerializer(
        allow_null=True, help_text="null: a platform key, which works for all tenants."
    )
    limits = LimitsSerializer()


class TenantQuery(StrictSerializer):
    tenant = serializers.CharField(
        max_length=100,
        required=False,
        help_text="The tenant's reference; required with a platform key.",
    )


class RoleSerializer(StrictSerializer):
    role = serializers.ChoiceField(Membership.Role.choices)


class InviteSerializer(RoleSerializer, TenantQuery):
    email = serializers.EmailField(max_length=254)


class MemberSerializer(serializers.Serializer):
    """A person who belongs to a tenant."""

    id = serializers.UUIDField(source="public_id")
    email = serializers.EmailField(source="user.email")
    name = serializers.CharField(source="user.name")
    role = serializers.ChoiceField(Membership.Role.choices)
    since = serializers.DateTimeField(source="created_at")


class MemberListSerializer(serializers.Serializer):
    items = MemberSerializer(many=True)


class InvitationSerializer(serializers.Serializer):
    """An invitation of a person to a tenant."""

    id = serializers.UUIDField(source="public_id")
    tenant = serializers.CharField(source="tenant.reference")
    email = serializers.EmailField()
    role = serializers.ChoiceField(Membership.Role.choices)
    state = serializers.SerializerMethodField(help_text="pending, expired, accepted or revoked.")
    asked_at = serializers.DateTimeField()
    sent_at = serializers.DateTimeField(
        allow_null=True, help_text="null: no mail server has accepted the e-mail yet."
    )
    mail_reason = serializers.CharField(
        help_text="Reason code if the e-mail could not be sent. Empty: sent or being sent."
    )
    expires_at = serializers.DateTimeField()

    def get_state(self, invitation: Invitation) -> str:
        return invitation.state(self.context["now"])


class InvitationListSerializer(serializers.Serializer):
    items = InvitationSerializer(many=True)


def _validate_return_url(value: str) -> None:
    if not is_allowed_return_url(value):
        raise serializers.ValidationError(
            "HUB_PORTAL_RETURN_URLS does not allow the origin of this URL."
        )


class WantedPortalLinkSerializer(TenantQuery):
    user = serializers.CharField(
        max_length=100, validators=[REFERENCE], help_text="Your own reference for the person."
    )
    name = serializers.CharField(
        max_length=150,
        required=False,
        validators=[validate_name],
        help_text="The name that the pages show.",
    )
    role = serializers.ChoiceField(
        PortalLink.ROLES, help_text="admin manages connections; member reads."
    )
    return_url = serializers.CharField(
        max_length=500,
        required=False,
        validators=[_validate_return_url],
        help_text="The URL for the way back.",
    )


class PortalLinkSerializer(serializers.Serializer):
    """A link that lets one person into a tenant's pages, once."""

    id = serializers.UUIDField(source="public_id")
    tenant = serializers.CharField(source="tenant.reference")
    user = serializers.CharField(source="reference")
    name = serializers.CharField()
    role = serializers.ChoiceField(PortalLink.ROLES)
    state = serializers.SerializerMethodField(
        help_text="pending, visiting, used, revoked or expired."
    )
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(help_text="The link can be used until this time.")
    used_at = serializers.DateTimeField(
        allow_null=True, help_text="The session lasts one hour from this time."
    )

    def get_state(self, link: PortalLink) -> str:
        return link.state(self.context["now"])


class MadePortalLinkSerializer(PortalLinkSerializer):
    url = serializers.SerializerMethodField(help_text="Only included in this response.")

    def get_url(self, link: PortalLink) -> str:
        url: str = self.context["url"]
        return url
