"""Mailboxes that belong to a role, a team or a machine, and to no single person."""

import re

from connectors.directories import Person
from hub.identities.matching.addresses import parse_address
from hub.identities.matching.folding import fold_text

ROLE_WORDS = """
abuse accounting accounts admin administrator ads anfrage anfragen api backoffice backup
bestellung bestellungen bewerbung billing bookings bot buchhaltung buero buro career careers
catering commercial compliance contact contacts contabilidad customer customercare customerservice
customersupport datenschutz dev development devops direction dispatch einkauf empfang enquiries
entwicklung events export facility facturacion facturation fax feedback finance finances frontdesk
general geschaeftsfuehrung hallo hello help helpdesk hi hilfe home hr hrteam import info infos
information inbox integration intranet invoice invoices it itsupport jobs kasse kontakt
kundendienst kundenservice kuchnia lager legal leitung logistics logistik mail mailer maintenance
management manager marketing media monitoring newsletter noc noreply donotreply notification
notifications office officemanagement operations ops order orders packing payroll personal
personalabteilung postmaster praktikum presse press procurement produktion production projects
purchasing qa quality reception recepcion recruiting rechnung rechnungen reklamation rezeption
robot root sales salesteam scan scanner sekretariat secretariat security service services shared
shipping shop showroom spam sprzedaz staff store studio support system systems team teams technik
test tests ticket tickets training treasury ventas vendas verkauf versand vertrieb verwaltung
warehouse web webmaster werkstatt zentrale
"""
ROLES = frozenset(ROLE_WORDS.split())
SEPARATORS = re.compile(r"[^a-z]+")


def is_role_mailbox(mailbox: str, name: str) -> bool:
    """Return whether a mailbox belongs to a role, not to a person of that name, as Dev Patel."""
    words = _split_words(mailbox)
    is_role = bool(words) and (words[0] in ROLES or "".join(words) in ROLES)
    is_named = set(words) <= set(_split_words(name)) and not is_role_title(name)
    return is_role and not is_named


def is_role_title(name: str) -> bool:
    """Return whether a name contains no word of a person's name, such as Sales Team."""
    words = _split_words(name)
    return bool(words) and all(word in ROLES for word in words)


def has_role_address(person: Person) -> bool:
    """Return whether a person's address is that of a role."""
    address = parse_address(person.email)
    return address is not None and is_role_mailbox(address.mailbox, person.name)


def _split_words(text: str) -> list[str]:
    return [word for word in SEPARATORS.split(fold_text(text)) if word]
