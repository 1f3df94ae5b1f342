"""Settings of every environment: installed apps, sign-in, pages and API."""

from csp.constants import SELF

# --- installed apps -------------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "hub.console.apps.SiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_q",
    "csp",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "tenants",
    "hub",
    "hub.notices",
    "hub.limits",
    "hub.throttle",
    "hub.operations",
    "hub.connections",
    "hub.schemas",
    "hub.mappings",
    "hub.outgoing",
    "hub.incoming",
    "hub.scheduled",
    "hub.identities",
    "hub.drift",
    "hub.recipes",
    "hub.console",
    "hub.portal",
]

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]

ROOT_URLCONF = "hub.urls"
AUTH_USER_MODEL = "tenants.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- caches ---------------------------------------------------------------------------------------

CACHES = {
    "default": {"BACKEND": "hub.db.cache.SharedCache"},
    "queue": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "queue"},
}

# --- sign-in and accounts -------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "front"
ACCOUNT_ADAPTER = "tenants.accounts.allauth_adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "tenants.accounts.allauth_adapter.LoginForm",
    "signup": "tenants.accounts.allauth_adapter.SignupForm",
}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_RATE_LIMITS = {  # see tenants/accounts/sign_in_limits.py
    "login_failed": "10/m/ip,5/300s/key",
    "login_failed_everywhere": "100/h/key",
    "first_factor_link": "3/m/user",
}
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL
ACCOUNT_SESSION_REMEMBER = True
MFA_ADAPTER = "tenants.accounts.allauth_adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_RECOVERY_CODES_SHOW_ONCE = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]  # English, and those in LOCALE_PATHS
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# --- pages and API --------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "frame-ancestors": ["'none'"],
        "base-uri": [SELF],
        "form-action": [SELF],
        "object-src": ["'none'"],
    }
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.access.api_authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [
        "hub.limits.request_limits.WithinLimits",
        "tenants.access.api_authentication.HasScope",
    ],
    "DEFAULT_PARSER_CLASSES": ["hub.problems.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["hub.rest.json_renderer.ExactJSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "hub.rest.openapi_schema.OpenApiSchema",
    "EXCEPTION_HANDLER": "hub.problems.handle_exception",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Integration Hub",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_PATCH": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "DeliveryStateEnum": "hub.outgoing.models.Delivery.State",
        "ConnectionStateEnum": "hub.connections.models.Connection.State",
        "ConnectorEnum": "hub.connections.api.catalogue_serializers.CONNECTOR_CHOICES",
        "FilledInConnectorEnum": "hub.connections.api.input_serializers.FORM_CONNECTOR_CHOICES",
        "EnvironmentEnum": "hub.connections.api.catalogue_serializers.ENVIRONMENT_KINDS",
        "JobKindEnum": "hub.scheduled.models.Job.Kind",
        "RunStateEnum": "hub.scheduled.models.Run.State",
        "OperationStateEnum": "hub.operations.models.Operation.State",
        "InboundItemStateEnum": "hub.incoming.models.InboundItem.State",
        "InboundStateEnum": "hub.incoming.serializers.items.INBOUND_STATES",
        "VerdictEnum": "hub.incoming.models.InboundMessage.State",
        "WebhookSubscriptionStateEnum": "hub.incoming.models.WebhookSubscription.State",
        "DiscrepancyStateEnum": "hub.scheduled.models.Discrepancy.State",
        "DiscrepancyVerdictEnum": "hub.scheduled.models.Discrepancy.Verdict",
        "RoleEnum": "tenants.models.Membership.Role",
        "GuestRoleEnum": "tenants.models.PortalLink.ROLES",
    },
}
