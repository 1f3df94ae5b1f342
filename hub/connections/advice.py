"""What a person is told when connecting goes wrong: the cause, who can mend it, and what to send to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from connectors.base import Advice, Connector

WHO = {
    "you": _("You can mend it yourself."),
    "their_admin": _("An administrator of your %(system)s can mend it."),
    "us": _("The people who run %(hub)s can mend it."),
    "wait": _("Nobody has to do anything: it passes by itself."),
}


class Problem(NamedTuple):
    title: str
    advice: Advice


PROBLEMS: Mapping[str, Problem] = {
    # --- the way back does not fit the way there ---
    "state_missing": Problem(
        _("This is not the end of a connection that you began"),
        Advice(
            _("The address was opened by itself, or something on the way cut it. Nothing was connected."),
            "you",
        ),
    ),
    "state_unknown": Problem(
        _("Nobody here began this connection"),
        Advice(_("We do not know the attempt that this address belongs to. Nothing was connected."), "you"),
    ),
    "reused": Problem(
        _("This attempt was used already"),
        Advice(
            _("Each attempt to connect works once, and this one came back before: a page was loaded again."),
            "you",
        ),
    ),
    "late": Problem(
        _("That took longer than ten minutes"),
        Advice(_("For safety an attempt to connect ends after ten minutes. Nothing was connected."), "you"),
    ),
    "unfinished": Problem(
        _("You have not finished yet"),
        Advice(_("The window of %(system)s was closed, or is still open somewhere. Nothing was connected."), "you"),
    ),
    "interrupted": Problem(
        _("We were interrupted"),
        Advice(_("You came back from %(system)s, and we stopped before we had its answer."), "you"),
    ),
    "other_browser": Problem(
        _("This was begun in another browser"),
        Advice(
            _(
                "Whoever begins to connect must finish it, in the same browser. If somebody sent you the address of "
                "%(system)s, they wanted your account to be connected to their tenant: close it, and tell us."
            ),
            "you",
            _("Somebody sent me an address to connect %(system)s with %(hub)s. I did not finish it. Was that you?"),
        ),
    ),
    "other_user": Problem(
        _("Somebody else began this"),
        Advice(_("Another person began to connect in this browser than the one who is signed in now."), "you"),
    ),
    "other_connector": Problem(
        _("The answer came from another system"),
        Advice(
            _("What came back belongs to another system than the one that you were sent to. We did not use it."),
            "us",
            _("Connecting %(system)s with %(hub)s was refused: the answer came back at another system's address."),
        ),
    ),
    "other_issuer": Problem(
        _("The answer came from somebody else"),
        Advice(
            _("What came back says that it is from somebody else than %(system)s. We did not use it."),
            "us",
            _("Connecting %(system)s with %(hub)s was refused: `iss` names another issuer."),
        ),
    ),
    "link_ended": Problem(
        _("The link has ended"),
        Advice(
            _("It was taken back or used meanwhile, or it is older than a day. Ask whoever sent it for another one."),
            "you",
        ),
    ),
    "moved": Problem(
        _("Our address has changed meanwhile"),
        Advice(_("You were sent to %(system)s with another address of ours than the one that it is now."), "you"),
    ),
    # --- a person or an organisation does not want it ---
    "denied": Problem(
        _("You said no"),
        Advice(_("%(system)s says that access was not allowed: somebody chose Cancel. Nothing was connected."), "you"),
    ),
    "not_approved": Problem(
        _("An administrator must approve the app first"),
        Advice(
            _("%(system)s lets in only apps that an administrator has approved."),
            "their_admin",
            _("Please approve the app “%(hub)s” in our %(system)s, so that it can be connected."),
        ),
    ),
    "not_distributed": Problem(
        _("Our app may not be installed there yet"),
        Advice(
            _("The app is not open to other accounts than our own."),
            "us",
            _("Please open the app for %(system)s to all accounts: it cannot be installed in ours."),
        ),
    ),
    "account_closed": Problem(
        _("The user or the account is not active"),
        Advice(
            _("%(system)s says that this user or this account is closed or locked."),
            "their_admin",
            _("Please look at my user in %(system)s: it is said to be inactive, so that “%(hub)s” is not let in."),
        ),
    ),
    "permission_refused": Problem(
        _("A permission was refused"),
        Advice(
            _("%(system)s does not give one of the permissions that we ask for, or our app is not registered for it."),
            "us",
            _("Connecting %(system)s with %(hub)s was refused for its permissions. Are all registered with the app?"),
        ),
    ),
    "missing_permission": Problem(
        _("A permission is missing"),
        Advice(
            _("Not all that we need was allowed, so part of it will not work."),
            "their_admin",
            _("“%(hub)s” needs more permissions in our %(system)s: %(account)s. Can you allow them?"),
        ),
    ),
    # --- the account is another one than was meant ---
    "wrong_account": Problem(
        _("This is another account"),
        Advice(_("You chose another account than the one that is connected so far, %(account)s."), "you"),
    ),
    "other_environment": Problem(
        _("Sandbox and production are mixed up"),
        Advice(
            _("One of the two accounts is a sandbox, and the other is not."),
            "you",
            _("Which %(system)s do we connect with %(hub)s: production or a sandbox? So far it is %(account)s."),
        ),
    ),
    "taken": Problem(
        _("This account is connected already"),
        Advice(_("Another connection of yours has this account. Connect that one again instead."), "you"),
    ),
    "elsewhere": Problem(
        _("This account is connected elsewhere, too"),
        Advice(
            _("The same account is connected to another tenant of %(hub)s. Both may use it; they share its quotas."),
            "their_admin",
            _("Our %(system)s account %(account)s is connected to %(hub)s in two places. Do you know of both?"),
        ),
    ),
    # --- our registration there ---
    "not_set_up": Problem(
        _("%(system)s is not set up yet"),
        Advice(
            _("%(hub)s is not registered at %(system)s yet, so nobody can connect it."),
            "us",
            _("Please set up %(system)s in %(hub)s: we would like to connect it."),
        ),
    ),
    "client_refused": Problem(
        _("%(system)s does not know our app"),
        Advice(
            _("Our client id or our client secret is refused. It is not your fault."),
            "us",
            _("%(system)s refuses the client id or the client secret of %(hub)s. Please look at the connector app."),
        ),
    ),
    "redirect_refused": Problem(
        _("%(system)s does not know our address"),
        Advice(
            _("The address that you are sent back to is not registered with our app there."),
            "us",
            _("%(system)s refuses the redirect URL of %(hub)s. Please register it as the connector app's page says."),
        ),
    ),
    "request_refused": Problem(
        _("%(system)s does not take our request"),
        Advice(
            _("How our app is registered there and how we ask do not fit together."),
            "us",
            _("%(system)s refuses how %(hub)s asks for a token. Please compare the app with the connector app's page."),
        ),
    ),
    # --- their answer ---
    "code_refused": Problem(
        _("The code had ended"),
        Advice(_("The code that %(system)s sent had ended, or was used already. It lives a few minutes only."), "you"),
    ),
    "clock_off": Problem(
        _("The clocks do not agree"),
        Advice(
            _("Our clock and the one of %(system)s differ by more than five minutes, so that codes end too early."),
            "us",
            _("The clock of %(hub)s, or of its database, is wrong: %(system)s has another time. Please set it by NTP."),
        ),
    ),
    "certificate": Problem(
        _("The certificate of %(system)s is not valid here"),
        Advice(
            _("Somebody stands between us and %(system)s, a certificate has ended, or our clock is wrong."),
            "us",
            _("%(hub)s cannot verify the certificate of %(system)s. Please look at the clock, and at proxies between."),
        ),
    ),
    "unavailable": Problem(
        _("%(system)s does not answer"),
        Advice(_("%(system)s could not be reached, or says that it is not available now."), "wait"),
    ),
    "throttled": Problem(
        _("%(system)s asks us to wait"),
        Advice(_("Too many have connected within a short time."), "wait"),
    ),
    "strange_answer": Problem(
        _("%(system)s answered something strange"),
        Advice(
            _("The answer is not what %(system)s documents, so we did not believe it."),
            "us",
            _("Connecting %(system)s with %(hub)s failed: the answer of the token endpoint could not be read."),
        ),
    ),
    "host_refused": Problem(
        _("The answer names a strange host"),
        Advice(
            _("The answer names an address that is not one of %(system)s's own, so we did not believe it."),
            "us",
            _("Connecting %(system)s with %(hub)s failed: the answer names a host outside the app's patterns."),
        ),
    ),
    "bad_signature": Problem(
        _("The answer is not signed by %(system)s"),
        Advice(
            _("The identity in the answer is not signed with our secret, so we did not believe it."),
            "us",
            _("Connecting %(system)s with %(hub)s failed: the signature of the answer does not fit our secret."),
        ),
    ),
    "no_access_token": Problem(
        _("We were given no token"),
        Advice(
            _("%(system)s answered without the token that we need. Was the app approved for this account?"),
            "their_admin",
            _("Please look whether “%(hub)s” is fully approved in our %(system)s: it was given no token."),
        ),
    ),
    "token_refused": Problem(
        _("%(system)s does not take its own token"),
        Advice(
            _("We were given a token, and the first call with it was refused. An address rule or a policy does that."),
            "their_admin",
            _("“%(hub)s” is refused at its first call to our %(system)s. Is there a rule for addresses or for apps?"),
        ),
    ),
    # --- a test of what was filled in ---
    "incomplete": Problem(
        _("Something is missing, or not what it should be"),
        Advice(_("What was filled in cannot work as it is; the check says what."), "you"),
    ),
    "address_refused": Problem(
        _("This address is not called"),
        Advice(
            _("The hub calls public addresses over https only: no private network, no other port than the usual ones."),
            "you",
        ),
    ),
    "unreachable": Problem(
        _("%(system)s could not be reached at this address"),
        Advice(
            _("The name is not known, or nobody answers there. A firewall in between does that, too."),
            "their_admin",
            _("“%(hub)s” cannot reach our %(system)s. Is the address right, and is it open to the hub?"),
        ),
    ),
    "credential_refused": Problem(
        _("%(system)s does not accept the credential"),
        Advice(
            _("It answers, and says that it does not know the credential, or that it has ended."),
            "their_admin",
            _("%(system)s refuses the credential that “%(hub)s” was given. Can you look at it, or make a new one?"),
        ),
    ),
    "answered_no": Problem(
        _("%(system)s answers, but not as it should"),
        Advice(
            _("It was reached and answered with an error: the address or a setting there is probably wrong."), "you"
        ),
    ),
    "tenant_suspended": Problem(
        _("This tenant is suspended"),
        Advice(
            _("As long as it is suspended, nothing new is connected."),
            "us",
            _("We would like to connect %(system)s with %(hub)s, and our tenant is suspended. What is missing?"),
        ),
    ),
    "refused": Problem(
        _("%(system)s refused"),
        Advice(
            _("%(system)s gave a reason that we do not know."),
            "us",
            _("Connecting %(system)s with %(hub)s was refused for a reason that the hub does not know."),
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A problem in the words of this moment. `says` are the system's own."""

    code: str
    title: str
    cause: str
    who: str
    text: str
    says: str = ""


def told(code: str, connector: Connector | None, *, hub: str, account: str = "", says: str = "") -> Told:
    """What a connector knows of a problem is told before what holds for all."""
    title, advice = PROBLEMS.get(code, PROBLEMS["refused"])
    own = connector.errors.get(code, advice) if connector else advice
    system = connector.label if connector else gettext("the other system")
    names = {"system": system, "hub": hub, "account": account or gettext("the account so far")}
    words = (title, own.cause, WHO[own.who], own.text)
    return Told(code, *(gettext(text) % names if text else "" for text in words), says=says)
