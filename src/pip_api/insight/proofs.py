"""Is an entry in the ledger, as it was then? What its leaf is the hash of, and the path from there to a signed head."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field, RootModel
from sqlalchemy import Table, select

from pip_api.access.principals import Principal
from pip_api.db.columns import from_json
from pip_api.db.constructs import json_text
from pip_api.db.statements import Record
from pip_api.http.problems import Problem, bad_parameter
from pip_api.insight.audit_events import READS, Audited, withheld
from pip_api.insight.audit_log import SIZE, asked_size, head_of
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import ID, Operation, query
from pip_api.ledger import seals
from pip_api.ledger.entries import LedgerEntry
from pip_api.ledger.envelope import body_of, envelope_of
from pip_api.ledger.seals import LEAVES
from pip_api.ledger.tree import inclusion_nodes, inclusion_proof


class Envelope(RootModel[dict[str, Any]]):
    """Who did what and when, with the digest of the body. In canonical form (RFC 8785) the leaf is its hash."""


class Body(RootModel[dict[str, Any]]):
    """The words and values of an entry."""


class ProofRead(BaseModel):
    """That an entry is in its log (RFC 9162, 2.1.3)."""

    log_id: str
    tree_size: int
    leaf_index: int
    leaf: str = Field(description="The SHA-256 of a byte 0 and the canonical envelope; hexadecimal.")
    envelope: Envelope
    body: Body | None = Field(description="None when it was redacted or retired, or is withheld.")
    salt: str | None = Field(description="What the body is digested with; it goes with the body.")
    redacted_by: UUID | None = Field(description="The entry by which words of the body were struck out.")
    retired_by: UUID | None = Field(description="The entry that closed its log, if the body went with that.")
    withheld: str | None = Field(description="The permission without which the body, of a single person, is not told.")
    proof: list[str] = Field(description="Hashes from the leaf to the root, hexadecimal.")
    head: str = Field(description="The signed head of this size.")


ENTRIES: Table = LedgerEntry.__table__  # type: ignore[attr-defined]
SEALED = select(
    *(column for column in ENTRIES.c if column.name not in ("seq", "state", "patch")),
    *(json_text(ENTRIES.c[name]).label(name) for name in ("state", "patch")),
    *(LEAVES.c[name] for name in ("log_id", "leaf_index", "salt", "body_digest", "leaf_hash")),
)
"""Entries with their leaves; where they come from is to be added."""
_ONE = Audited(SEALED.select_from(ENTRIES.outerjoin(LEAVES, LEAVES.c.entry_id == ENTRIES.c.id)))


def told(row: Record, by: Principal) -> Record:
    """A row of SEALED as a bundle tells it: whoever reads it can work out the leaf anew. What is left of a body that
    was redacted has not the digest of the whole, so it is left out; so is one that the reader may not know."""
    entry = row | {name: from_json(row[name]) for name in ("state", "patch")}
    sealed = {
        "leaf_index": row["leaf_index"],
        "leaf": row["leaf_hash"],
        "envelope": envelope_of(entry, bytes.fromhex(row["body_digest"])),
    }
    if row["redacted_by"] is not None:
        return {**sealed, "redacted_by": str(row["redacted_by"])}
    if row["retired_by"] is not None:
        return {**sealed, "retired_by": str(row["retired_by"])}
    if (lacking := withheld(row, by)) is not None:
        return {**sealed, "withheld": lacking}
    return {**sealed, "body": body_of(entry), "salt": row["salt"]}


async def get_proof(call: Call) -> Answer:
    """One entry with the path that leads from it to a signed head."""
    row = await _ONE.read(call)
    size = asked_size(call, "tree_size")
    if row["leaf_index"] is None:
        raise Problem("not_sealed_yet", "It is sealed within seconds: ask again.", headers={"Retry-After": "1"})
    log_id, index = row["log_id"], row["leaf_index"]
    if size is not None and size <= index:
        raise bad_parameter("tree_size", f"The entry is in the log from size {index + 1} on.")
    head = await head_of(call.session, log_id, size)
    node = await seals.nodes(call.session, log_id, inclusion_nodes(index, head["tree_size"]))
    proof = [each.hex() for each in inclusion_proof(index, head["tree_size"], node)]
    signed = {"proof": proof, "head": head["signature"]}
    either = {"body": None, "salt": None, "redacted_by": None, "retired_by": None, "withheld": None}
    return Answer(200, {"log_id": log_id, "tree_size": head["tree_size"], **either, **told(row, call.by), **signed})


operations = [
    Operation(
        "GET", "/v1/audit-events/{id}/proof", "getAuditEventProof", "audit", "Prove that an entry is in the ledger",
        READS, get_proof, {200: ProofRead},
        [ID, query("tree_size", "The size of the head to prove it to; the newest, where nothing is said.", SIZE)],
        noted="read",
    ),
]  # fmt: skip
