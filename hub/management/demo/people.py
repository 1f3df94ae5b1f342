"""The demo's users: a member of staff with a second factor, and an owner for each customer."""

import base64
from collections.abc import Callable

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator

from hub.management.demo.data import STAFF, Customer
from tenants.models import Membership, Tenant, User

RandomBytes = Callable[[int], bytes]


def create_staff_user(random: RandomBytes) -> dict[str, str]:
    user = User.objects.filter(email=STAFF).first() or User.objects.create_superuser(
        STAFF, name="Sam Staff"
    )
    secret = base64.b32encode(random(20)).decode()
    authenticator_data = {"data": {"secret": get_adapter().encrypt(secret)}}
    Authenticator.objects.update_or_create(
        user=user, type=Authenticator.Type.TOTP, defaults=authenticator_data
    )
    login = {"email": STAFF, "password": set_new_password(user, random)}
    return login | {
        "totp_secret": secret,
        "totp_code": "manage.py totp prints the current code",
    }


def create_tenant_owner(customer: Customer, tenant: Tenant, random: RandomBytes) -> dict[str, str]:
    email, name = customer.owner
    user = User.objects.filter(email=email).first() or User.objects.create_user(email, name=name)
    Membership.unscoped.get_or_create(
        tenant=tenant, user=user, defaults={"role": Membership.Role.OWNER}
    )
    return {"email": email, "password": set_new_password(user, random)}


def set_new_password(user: User, random: RandomBytes) -> str:
    password = base64.urlsafe_b64encode(random(15)).decode()
    user.set_password(password)
    user.save()
    user.mark_email_verified()
    return password
