"""The people of a demo customer: as users of our application, and in each connected system.

Most have the same address on both sides, so that they are suggested as pairs. For the namesakes a
person must choose between two candidates, and for the newcomer there is no candidate.
"""

from typing import Any

from hub.management.demo.data import Customer

Users = list[dict[str, Any]]


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
