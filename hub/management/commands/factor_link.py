"""Print the link for setting up a staff member's second factor, for use without a mail server."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.staff import mfa_setup


class Command(BaseCommand):
    help = (
        "Print the link with which a staff member sets up their first second factor. It "
        "works for 15 minutes, in the browser in which they signed in."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="E-mail address of the staff member.")

    def handle(self, *, email: str, **options: Any) -> None:
        user = get_user_model().objects.filter(email=email.lower(), is_staff=True).first()
        if user is None:
            raise CommandError(f"No staff member has the address {email}.")
        self.stdout.write(mfa_setup.make_setup_link(user))
