"""How does a program get a secret, or a key registered, and how is one changed for the next?"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, Field, create_model
from sqlalchemy import bindparam, select

from pip_api.access.credentials import new_secret, secret_hash
from pip_api.db.columns import Uid
from pip_api.db.statements import Record, Statement
from pip_api.http.preconditions import etag
from pip_api.http.problems import Problem, fault, pointer
from pip_api.kernel import verbs
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import ID, REASON, Operation
from pip_api.kernel.resource import RuleContext
from pip_api.kernel.shapes import Moment, Shape, examples
from pip_api.kernel.validation import invalid, validated
from pip_api.kernel.writing import changes, following, fresh, write
from pip_api.resources.accounts import accounts
from pip_api.resources.credentials import LONGEST, CredentialKind, credentials

LONGEST_OVERLAP = timedelta(days=30)
_USUAL_OVERLAP = timedelta(days=7)
LEAST_OWN_OVERLAP = timedelta(hours=1)
"""So that whoever stole a secret cannot throw its owner out at once."""
_NO_STORE = {"Cache-Control": "no-store"}

CredentialIssued: type[BaseModel] = create_model(
    "CredentialIssued",
    __base__=credentials.read_shape,
    __doc__="A credential that was just made; a secret is shown this once.",
    secret=(str | None, Field(default=None, description="The secret itself; nobody can look it up later.")),
)


class CredentialRotation(Shape):
    """What comes after a credential."""

    model_config = examples(old_ends_at="2026-11-28T12:00:00Z")

    expires_at: Moment | None = Field(
        default=None,
        description="When the new one ends; else good as long as the old one was, which is one's own most.",
    )
    old_ends_at: Moment | None = Field(
        default=None,
        description="When the old one ends: in 7 days, and in 30 at most; one's own not within an hour.",
    )
    jwk: dict[str, Any] | None = Field(default=None, description="The next public key; a secret is made here.")


async def issue(call: Call) -> Answer:
    """A new credential of a program. Of a secret only a hash is kept: it is shown in this answer and in no other."""
    secret = new_secret() if call.body().get("kind") == CredentialKind.secret else None
    answer = await verbs.create(credentials, call, {"secret_hash": secret and secret_hash(secret)})
    return _shown_once(call, answer, secret)


async def rotate(call: Call) -> Answer:
    """A successor of the same kind, while the old one goes on for some days."""
    old = await verbs.find(credentials, call, call.path["id"], hold=True)
    call.require_for(credentials.writes, old["place"])
    await verbs.require_permitted(credentials, call, old, None, old["place"])
    return await _followed(call, old)


async def rotate_own(call: Call) -> Answer:
    """A successor of the credential that the caller signed in with, which goes on for some days."""
    old = None
    if call.by.credential_id is not None:
        old = await call.session.one(_OWN, id=call.by.credential_id, account_id=call.by.id)
    if old is None or old["expires_at"] <= call.now:  # a token outlives its credential by minutes
        raise Problem("not_found", "You did not sign in with a credential of this service.")
    return await _followed(call, old, own=True)


async def _followed(call: Call, old: Record, *, own: bool = False) -> Answer:
    """Of its own credentials a program makes none that lasts longer than it was given one for."""
    call.check_media_type()
    sent = validated(CredentialRotation, call.body(), set(CredentialRotation.model_fields), ignored=call.ignored)
    span = min(old["expires_at"] - old["valid_from"], LONGEST)
    expires = sent["expires_at"] or call.now + span
    ends = sent["old_ends_at"] or call.now + _USUAL_OVERLAP
    first = call.now + LEAST_OWN_OVERLAP if own else call.now
    wrong = []
    if not first <= ends <= call.now + LONGEST_OVERLAP:
        detail = f"The old one ends {'in an hour at the soonest' if own else 'from now on'}, and within 30 days."
        wrong.append(fault("rule_broken", detail, rule="CRD-005", pointer=pointer("old_ends_at")))
    if own and expires > call.now + span:
        detail = "Your next one lasts no longer than this one: somebody who looks after access may give a longer one."
        wrong.append(fault("rule_broken", detail, rule="CRD-008", pointer=pointer("expires_at")))
    if wrong:
        raise invalid(wrong)
    secret = new_secret() if old["kind"] == CredentialKind.secret else None
    new = {"account_id": old["account_id"], "kind": old["kind"], "jwk": sent["jwk"]}
    row = fresh(credentials, call, new | {"expires_at": expires, "place": old["place"]})
    row["secret_hash"] = secret and secret_hash(secret)
    (account,) = await call.session.fetch(accounts.lookup("id"), names=[old["account_id"]], forces=[old["place"]])
    on = RuleContext(call.by, call.now, call.today, None, account, {})
    if errors := [problem for rule in credentials.rules for problem in rule(row, on)]:
        raise invalid(errors)
    if credentials.complete is not None:
        await credentials.complete(call.session, row, on)
    await write(credentials, call, "created", row, changes(credentials, row, None))
    await shorten(call, old, ends)
    shown = {name: row[name] for name in credentials.names}
    answer = Answer(201, shown, {"ETag": etag(1), "Location": f"{credentials.path}/{row['id']}"})
    return _shown_once(call, answer, secret)


async def shorten(call: Call, credential: Record, ends: datetime) -> None:
    """Lets a credential end at a moment, if it does not end sooner."""
    if ends < credential["expires_at"]:
        after = credential | following(call, credential) | {"expires_at": ends}
        await write(credentials, call, "changed", after, changes(credentials, after, ["expires_at"]))


_OWN = Statement(
    select(*(credentials.table.c[name] for name in credentials.names))
    .where(
        credentials.table.c.id == bindparam("id", type_=Uid()),
        credentials.table.c.account_id == bindparam("account_id", type_=Uid()),
        credentials.table.c.withdrawn_at.is_(None),
    )
    .with_for_update(key_share=True)
)
"""A caller may have no right to see credentials, and has its own all the same."""


def _shown_once(call: Call, answer: Answer, secret: str | None) -> Answer:
    """Nothing of a dry run is kept, so a secret of it would be good for nothing."""
    shown = {**answer.body, "secret": None if call.rehearsed else secret}
    return replace(answer, body=shown, headers={**answer.headers, **_NO_STORE})


operations = [
    Operation(
        "POST", credentials.path, "createCredential", credentials.plural, "Issue a secret, or register a public key",
        credentials.writes, issue, {201: CredentialIssued}, [REASON], credentials.create_shape,
        changes_access=True, shown_once=("secret",),
    ),
    Operation(
        "POST", f"{credentials.path}/{{id}}/rotation", "rotateCredential", credentials.plural,
        "Make the successor of a credential", credentials.writes, rotate, {201: CredentialIssued}, [ID, REASON],
        CredentialRotation, may_be_empty=True, changes_access=True, shown_once=("secret",),
    ),
    Operation(
        "POST", "/v1/me/credential/rotation", "rotateOwnCredential", credentials.plural,
        "Make the successor of the caller's own credential", "credential:rotate", rotate_own, {201: CredentialIssued},
        [REASON], CredentialRotation, may_be_empty=True, changes_access=True, shown_once=("secret",), refuses=[404],
    ),
]  # fmt: skip
