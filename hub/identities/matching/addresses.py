"""Normalize e-mail addresses, so that two spellings of one mailbox are equal."""

import unicodedata
from dataclasses import dataclass

# providers whose mailboxes are people's own: an address there is no sign of a company
DOMAIN_WORDS = """
aol.com arcor.de att.net bluewin.ch bol.com.br btinternet.com cantv.net charter.net comcast.net
cox.net fastmail.com free.fr freenet.de gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net
hey.com hotmail.co.uk hotmail.com hotmail.de hotmail.fr icloud.com interia.pl laposte.net
libero.it live.com live.de mac.com mail.com mail.ru mailbox.org me.com msn.com naver.com
o2.pl onet.pl orange.fr outlook.com outlook.de posteo.de proton.me protonmail.com qq.com
rambler.ru rocketmail.com seznam.cz sfr.fr sky.com t-online.de terra.com.br uol.com.br
verizon.net virgilio.it wanadoo.fr web.de wp.pl yahoo.co.jp yahoo.co.uk yahoo.com yahoo.de
yahoo.fr yandex.com yandex.ru ymail.com zoho.com 163.com 126.com
"""
PUBLIC_DOMAINS = frozenset(DOMAIN_WORDS.split())
SAME_DOMAINS = {"googlemail.com": "gmail.com"}
# "dots don't matter in Gmail addresses": https://support.google.com/mail/answer/7436150 (2026-11).
# Other providers deliver a.b@ and ab@ to two mailboxes.
DOT_INSENSITIVE_DOMAINS = frozenset({"gmail.com"})
MAILBOX_LENGTH_MAX, DOMAIN_LENGTH_MAX = 64, 253


@dataclass(frozen=True, slots=True)
class Address:
    """A normalized address: mailbox and domain, without the parts that the provider ignores."""

    mailbox: str
    domain: str

    @property
    def key(self) -> str:
        return f"{self.mailbox}@{self.domain}"

    @property
    def is_public(self) -> bool:
        return is_public_domain(self.domain)


def is_public_domain(domain: str) -> bool:
    """Return whether the domain is that of a mail provider, and so of no company."""
    return domain in PUBLIC_DOMAINS


def parse_address(text: str) -> Address | None:
    """Parse an address; None if the text is not one.

    The part after a plus sign is a tag of its owner (RFC 5233). The ending `.invalid` of the domain
    prevents mails from test systems (RFC 2606).
    """
    folded = unicodedata.normalize("NFKC", text).strip().strip("<>").casefold()
    mailbox, at, domain = folded.removeprefix("mailto:").rpartition("@")
    domain = domain.strip().rstrip(".").removesuffix(".invalid")
    domain = SAME_DOMAINS.get(domain, domain)
    mailbox = mailbox.partition("+")[0] or mailbox
    if domain in DOT_INSENSITIVE_DOMAINS:
        mailbox = mailbox.replace(".", "")
    is_usable = at and mailbox and domain and "@" not in mailbox and " " not in mailbox + domain
    if not is_usable or len(mailbox) > MAILBOX_LENGTH_MAX or len(domain) > DOMAIN_LENGTH_MAX:
        return None
    return Address(mailbox, domain)
