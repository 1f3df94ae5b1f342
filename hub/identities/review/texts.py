"""The texts of the review: reasons for suggestions, conflicts, and next steps."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from hub.identities.matching import BEST_IS_PAIRED, OTHER_COMPANY

Text = str | Promise


@dataclass(frozen=True, slots=True)
class ConflictText:
    title: Text
    advice: Text


REASONS: dict[str, Text] = {
    "email": _("Same e-mail address"),
    "email_renamed": _("Same e-mail address and given name; the surname has changed"),
    "alias": _("One address is an alias of the other"),
    "other_domain": _("Same mailbox at another domain of the company"),
    "login": _("Same login"),
    "login_renamed": _("Same login and given name; the surname has changed"),
    "mailbox_login": _("The login is the mailbox name of the other address"),
    "name": _("Same name, which no other user has"),
    "name_variant": _("Another form of the same name, which no other user has"),
    "similar_name": _("A similar name"),
    "two_candidates": _("Several people fit"),
    "two_to_one": _("Several of your users fit the same person"),
    BEST_IS_PAIRED: _("Another person who fits at least as well is paired already"),
    "name_differs": _("Same address or login, but another name"),
    "renamed": _("The name has changed since the pair was confirmed"),
    "deactivated": _("The account is deactivated"),
    "shared_mailbox": _("The address is a shared mailbox"),
    "common_name": _("The name is common, and nothing else speaks for it"),
    OTHER_COMPANY: _("Same name, but the address is at another company"),
    "weak": _("Too little speaks for it"),
    "": _("No user fits"),
}
CONFLICT_TEXTS: dict[str, ConflictText] = {
    BEST_IS_PAIRED: ConflictText(
        _("Another person who fits at least as well is paired already"),
        _(
            "Look at that pair first, and remove it if it is wrong. Otherwise choose the right "
            "person, or ignore the user."
        ),
    ),
    "two_to_one": ConflictText(
        _("Several of your users have the same counterpart"),
        _("Decide whose account it is, and remove or change the other pair."),
    ),
    "two_candidates": ConflictText(
        _("Several people fit"), _("Choose the right one, or ignore the user.")
    ),
    "name_differs": ConflictText(
        _("Same address or login, but another name"),
        _(
            "Ask whether the person was renamed, or whether the address was given to someone "
            "else. Confirm the pair only in the first case."
        ),
    ),
    "renamed": ConflictText(
        _("The name has changed"),
        _("Check that it is still the same person. Keep the pair if it is, or choose another."),
    ),
    "deactivated": ConflictText(
        _("An account is deactivated"),
        _("Choose the person's new account, or ignore the user if they have left."),
    ),
    "shared_mailbox": ConflictText(
        _("A shared mailbox"),
        _("It belongs to no single person. Choose a personal account, or ignore the user."),
    ),
}
