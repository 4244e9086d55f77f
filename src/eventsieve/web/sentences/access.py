"""Sentences about who may do what, how much of it, and what is let in."""

from __future__ import annotations

from eventsieve.web.i18n import N_

__all__ = ["PARTS", "SENTENCES"]

SENTENCES = (
    # service/access.py, api/access.py: keys and sessions
    N_("This key does not hold: it is wrong, revoked or over; ask those who run this server for another."),
    N_("This session has ended; sign in again."),
    N_("A session cannot open another; send the key, or the ID token of the provider, itself."),
    N_("Nobody has to sign in on this server (its setting AUTH is off); there are no sessions."),
    N_("Too many wrong keys came from {address}; come back in a minute with one that holds."),
    N_(
        "This server wants to know who asks; send a key as `Authorization: Bearer KEY` (on the command line: --key or "
        "EVENTSIEVE_KEY; from Python: Client(url, key=...))."
    ),
    N_("Those who run the server make keys: eventsieve keys create."),
    N_("That is no key of Eventsieve."),
    # web/door.py
    N_("That is no key, or it came too late; sign in again."),
    N_("Another site can sign nobody in or out here; do it on the page."),
    N_(
        "This page does not go by the name {name}; ask for it by its address, or have who runs it set PUBLIC_URL to "
        "where it is found."
    ),
    # api/identity.py: people who sign in through a provider
    N_("The ID token does not hold ({error}); sign in again at {issuer}."),
    N_("The ID token was made for another client; sign in again at {issuer}."),
    N_("The ID token has no claim {claim}, by which this server knows people."),
    N_("The provider has not verified that {name} is yours; do so at {issuer}."),
    N_("{name} has no role on this server; ask who runs it for one (its settings OIDC_ROLES and OIDC_DEFAULT_ROLE)."),
    # roles and owners
    N_(
        "This needs the role {may:words}, and {name} has the role {role:words}; ask who runs this server for that role."
    ),
    N_("{what:words} is that of {by}, and you are {name}; ask {owner} or an administrator to do this."),
    N_(
        "{what:words} was made before anybody had to sign in, so it is nobody's own, and you are {name}; ask an "
        "administrator to do this."
    ),
    # quotas
    N_(
        "You may make {limit:number} requests a minute; ask again in {seconds:number} s, ask for more at once, or have "
        "the quota raised."
    ),
    N_(
        "The quota of {limit:number} MB that are sent within 24 hours has {used:number} MB in use and this needs "
        "{size:number} MB more; send less (compressed, as Parquet), wait until older uploads are a day old, or have "
        "the quota raised."
    ),
    N_(
        "The quota of {limit:words} for data sets and models has {used:words} in use; {cure:words}, or have the quota "
        "raised."
    ),
    N_(
        "The quota of {limit:words} for data sets and models has {used:words} in use and this needs {size:words} more; "
        "{cure:words}, or have the quota raised."
    ),
    N_(
        "{count:number} models are to be trained and {own:number} of the {most:number} training slots of your quota "
        "are free; send fewer models, or wait until others of yours are trained."
    ),
    # what comes in: api/guard.py, api/uploads.py, api/v2/streams.py, service/datasets.py
    N_(
        "This server does not go by the name {name}; ask for it by its address, or have who runs it add the name to "
        "ALLOWED_HOSTS."
    ),
    N_(
        "A page of {name} may not change anything here; use this server's own pages, or have who runs it add the "
        "page's origin to CORS_ORIGINS."
    ),
    N_("The body comes too slowly; send it again on a faster line, compressed, or have BODY_SECONDS raised."),
    N_(
        "{own:number} streams are open to this client and {all:number} in all; at most {each:number} and "
        "{most:number} may be (MAX_STREAMS). Close some, or ask for the job now and then."
    ),
    N_("The name of column {name} has {count:number} characters; {most:number} are the most. Shorten it."),
    N_(
        "The table has {count:number} columns; {most:number} are the most. Name those that are needed (branches), or "
        "raise MAX_COLUMNS."
    ),
)
PARTS = (
    N_("The model {name}"),
    N_("The data set {name}"),
    N_("The job {name}"),
    N_("remove what is not needed any more, the largest being {named:words}"),
    N_("send fewer events or columns"),
    N_("data set {id} ({size:words})"),
    N_("model {id} ({size:words})"),
)
