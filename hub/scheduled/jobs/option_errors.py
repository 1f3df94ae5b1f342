"""The sentences for invalid options, marked for translation; a check translates them."""

from django.utils.translation import gettext_noop

REQUIRED = gettext_noop("This is required.")
NOT_AN_OBJECT = gettext_noop("This must be an object.")
TOO_MANY_ENTRIES = gettext_noop("This must be an object of at most %d entries.")
UNKNOWN_OPTION = gettext_noop("There is no such option.")
NOT_ONE_OF = gettext_noop("This must be one of: %s.")
NOT_A_LIST = gettext_noop("This must be a list of %(least)s to %(most)s entries.")
NO_SUCH_SYSTEM = gettext_noop("There is no such system.")
NO_SUCH_CONNECTION = gettext_noop("There is no such connection.")
