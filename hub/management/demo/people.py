"""The demo's users: of the hub, of our application, and of each connected system.

In the hub a member of staff with a second factor, and an owner for each customer. Most people of a
customer have the same address in all systems, so that they are suggested as pairs. For the
namesakes a person must choose between two candidates, and for the newcomer there is no candidate.
"""

import base64
from collections.abc import Callable
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator

from hub.management.demo.data import STAFF, Customer
from tenants.models import Membership, Tenant, User

RandomBytes = Callable[[int], bytes]
Users = list[dict[str, Any]]


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


def build_own_users(customer: Customer) -> Users:
    """Build the users of our application, with their ids."""
    users: Users = [
        {"name": name, "email": build_address(customer, name)}
        for name in (*list_known_names(customer), customer.newcomer)
    ]
    return [*users, {"name": customer.namesakes}]


def build_slack_users(customer: Customer) -> Users:
    """Build the members of the Slack workspace; the first one installs the app."""
    return [
        {
            "id": f"U{customer.team[1:]}{number:02}",
            "name": address.partition("@")[0],
            "real_name": name,
            "email": address,
        }
        for number, (name, address) in enumerate(list_remote_people(customer), 1)
    ]


def build_salesforce_users(customer: Customer) -> Users:
    """Return the users of the org, beside the one who authorized us."""
    return [
        {
            "FirstName": name.partition(" ")[0],
            "LastName": name.partition(" ")[2],
            "Email": address,
            "Username": f"{address}.crm",
        }
        for name, address in list_remote_people(customer)
    ]


def build_pipedrive_users(customer: Customer) -> Users:
    """Build the users of the company, apart from the buyer, who authorizes the app."""
    others = list_remote_people(customer)[1:]
    return [{"name": name, "email": address} for name, address in others]


def list_known_names(customer: Customer) -> list[str]:
    """Return the names of the people with the same address on both sides, the buyer first."""
    return [customer.buyer["customer"], *customer.colleagues]


def list_remote_people(customer: Customer) -> list[tuple[str, str]]:
    """Return name and address of the people in every system."""
    people = [(name, build_address(customer, name)) for name in list_known_names(customer)]
    mailbox = customer.namesakes.lower().replace(" ", ".")
    domain = customer.buyer["email"].partition("@")[2]
    return people + [(customer.namesakes, f"{mailbox}{end}@{domain}") for end in ("", "2")]


def build_address(customer: Customer, name: str) -> str:
    known = {
        customer.buyer["customer"]: customer.buyer["email"],
        customer.owner[1]: customer.owner[0],
    }
    domain = customer.buyer["email"].partition("@")[2]
    return known.get(name) or f"{name.partition(' ')[0].lower()}@{domain}"
