"""How does whoever does not trust this service make sure that its ledger only grew? Signed heads, and proofs."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from pip_api.db.session import Session
from pip_api.db.statements import Record
from pip_api.http.preconditions import content_etag
from pip_api.http.problems import Problem, bad_parameter
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import IF_NONE_MATCH, Operation, Schema, query
from pip_api.kernel.open_operations import PublicKeys
from pip_api.kernel.pages import tagged
from pip_api.ledger import seals
from pip_api.ledger.tree import consistency_nodes, consistency_proof

READS = "head:read"


class HeadRead(BaseModel):
    """What a log was at a moment. The head is what to keep: it is signed, and says the same."""

    log_id: str = Field(json_schema_extra={"examples": ["2026"]})
    tree_size: int = Field(ge=0, description="How many entries the log had.")
    root_hash: str = Field(description="Hexadecimal.")
    timestamp: datetime
    head: str = Field(description="A compact JWS (ES256, typ pip-sth+jws) over the four members above.")


class ConsistencyRead(BaseModel):
    """That the log of one size begins the log of another (RFC 9162, 2.1.4)."""

    model_config = ConfigDict(populate_by_name=True)

    log_id: str
    first: int = Field(alias="from")
    second: int = Field(alias="to")
    proof: list[str] = Field(description="Hashes, hexadecimal.")


async def get_checkpoint(call: Call) -> Answer:
    """The newest head of a log, or that of a size. Keep it where nobody who runs this service can reach it."""
    head = _head(await asked_head(call, "tree_size"))
    return tagged(call, content_etag(head["head"].encode()), head)


async def get_consistency(call: Call) -> Answer:
    """That nothing of what a log was at one size was changed until it had another."""
    first, second = asked_size(call, "from"), asked_size(call, "to")
    head = await asked_head(call)
    second = head["tree_size"] if second is None else second
    if first is None or not 0 < first <= second <= head["tree_size"]:
        raise bad_parameter("from", f"Sizes are 0 < from <= to <= {head['tree_size']}, the size of the newest head.")
    proof = await consistency(call.session, head["log_id"], first, second)
    return Answer(200, {"log_id": head["log_id"], "from": first, "to": second, "proof": proof})


async def get_keys(call: Call) -> Answer:
    """The public keys of heads. Get them once, by another way too, and compare."""
    return Answer(200, {"keys": list(call.services.log.keys)})


async def asked_head(call: Call, size: str | None = None) -> Record:
    """The head that a request asks for. Raises 400 and 404."""
    log_id = call.query.get("log_id")
    if log_id is not None and not (len(log_id) == 4 and log_id.isascii() and log_id.isdecimal()):
        raise bad_parameter("log_id", "'log_id' must be a year of four digits, such as 2026.")
    return await head_of(call.session, log_id, None if size is None else asked_size(call, size))


async def head_of(session: Session, log_id: str | None, size: int | None = None) -> Record:
    """The head of a log of this size, or else its newest. Raises 404."""
    newest = await seals.newest_head(session, log_id)
    if newest is None:
        raise Problem("not_found", "Nothing is sealed yet." if log_id is None else f"There is no log of {log_id}.")
    if size is None:
        return newest
    head = await seals.head_at(session, newest["log_id"], size)
    if head is None:
        told = f"No head of the log of {newest['log_id']} has {size} entries; the newest has {newest['tree_size']}."
        raise Problem("not_found", f"{told} Use the tree_size of a head that was signed, and the log_id of its log.")
    return head


def asked_size(call: Call, name: str) -> int | None:
    """A size that a parameter names. Raises 400."""
    text = call.query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise bad_parameter(name, f"'{name}' must be the number of entries that a log had.")
    return int(text)


async def consistency(session: Session, log_id: str, first: int, second: int) -> list[str]:
    """The proof that a log of one size begins that of another."""
    node = await seals.nodes(session, log_id, consistency_nodes(first, second))
    return [each.hex() for each in consistency_proof(first, second, node)]


def _head(head: Record) -> Record:
    shown = {name: head[name] for name in ("log_id", "tree_size", "root_hash")}
    return {**shown, "timestamp": head["at"], "head": head["signature"]}


SIZE: Schema = {"type": "integer", "format": "int64", "minimum": 0, "maximum": 10**15 - 1}
_SIZES: Schema = {**SIZE, "minimum": 1}
LOG_ID = query(
    "log_id", "The log, by its year; the newest, where nothing is said.",
    {"type": "string", "pattern": "^[0-9]{4}$", "maxLength": 4}, example="2026",
)  # fmt: skip

operations = [
    Operation(
        "GET", "/v1/audit-log/checkpoint", "getCheckpoint", "audit", "Read a signed head of the ledger", READS,
        get_checkpoint, {200: HeadRead, 304: None},
        [LOG_ID, query("tree_size", "Of this size; the newest, where nothing is said.", SIZE), IF_NONE_MATCH],
    ),
    Operation(
        "GET", "/v1/audit-log/consistency", "getConsistency", "audit", "Prove that the ledger only grew", READS,
        get_consistency, {200: ConsistencyRead},
        [
            LOG_ID,
            query("from", "The size of the head that was kept.", _SIZES, example=1) | {"required": True},
            query("to", "The size of the other; that of the newest, where nothing is said.", _SIZES),
        ],
    ),
    Operation(
        "GET", "/v1/audit-log/keys", "getLogKeys", "audit", "Read the public keys of heads", READS, get_keys,
        {200: PublicKeys},
    ),
]  # fmt: skip
