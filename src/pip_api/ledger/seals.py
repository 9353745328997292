"""Where do the leaf of each entry, the trees and their signed heads stand, and how are they read?

What waits to be sealed stands in a queue, which a trigger of the database fills in the transaction of the entry: so
nothing is missed, in whatever order transactions commit.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column, Integer, Table, bindparam, cast, literal_column, select
from sqlmodel import Field, SQLModel

from pip_api.db.columns import Code, Instant, Json, Uid, in_ledger
from pip_api.db.constructs import constant, each, json_member
from pip_api.db.session import Session
from pip_api.db.statements import Record, Statement
from pip_api.ledger.tree import Frontier, Node, Place, frontier_nodes


class Unsealed(SQLModel, table=True):
    """The number of an entry that has no leaf yet."""

    __tablename__ = "ledger_unsealed"

    seq: int = Field(
        sa_column=Column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False)
    )


class Leaf(SQLModel, table=True):
    """The place of an entry in its log. Hashes and salts are hexadecimal."""

    __tablename__ = "ledger_leaf"

    log_id: str = Field(primary_key=True, sa_type=Code)
    leaf_index: int = Field(sa_column=Column(BigInteger(), primary_key=True, autoincrement=False))
    entry_id: UUID = Field(sa_column=Column(Uid(), in_ledger(), unique=True, nullable=False))
    salt: str | None = Field(default=None, description="None when the entry was redacted.")
    body_digest: str
    leaf_hash: str


class TreeNode(SQLModel, table=True):
    """The root of a complete subtree of two leaves or more. Leaves are in their own table."""

    __tablename__ = "ledger_node"

    log_id: str = Field(primary_key=True, sa_type=Code)
    level: int = Field(primary_key=True)
    idx: int = Field(sa_column=Column(BigInteger(), primary_key=True, autoincrement=False))
    hash: str


class SignedHead(SQLModel, table=True):
    """What a log was at a moment, signed."""

    __tablename__ = "ledger_head"

    log_id: str = Field(primary_key=True, sa_type=Code)
    tree_size: int = Field(sa_column=Column(BigInteger(), primary_key=True, autoincrement=False))
    root_hash: str
    at: datetime = Field(sa_type=Instant)
    signature: str = Field(description="A compact JWS.")


class RetiredLog(SQLModel, table=True):
    """A log whose time is over. Nothing comes into it any more, and what need not be kept of it is gone."""

    __tablename__ = "retired_log"

    log_id: str = Field(primary_key=True, sa_type=Code)
    entry_id: UUID = Field(sa_column=Column(Uid(), in_ledger(), unique=True, nullable=False))


LEAVES: Table = Leaf.__table__  # type: ignore[attr-defined]
NODES: Table = TreeNode.__table__  # type: ignore[attr-defined]
HEADS: Table = SignedHead.__table__  # type: ignore[attr-defined]
RETIRED: Table = RetiredLog.__table__  # type: ignore[attr-defined]

_log_id = bindparam("log_id", type_=Code)
_newest = select(*HEADS.c).order_by(HEADS.c.log_id.desc(), HEADS.c.tree_size.desc()).limit(1)
_NEWEST_HEAD = Statement(_newest)
_NEWEST_HEAD_OF = Statement(_newest.where(HEADS.c.log_id == _log_id))
_HEAD_AT = Statement(
    _newest.where(HEADS.c.log_id == _log_id, HEADS.c.tree_size == bindparam("size", type_=BigInteger()))
)

_wanted = each(bindparam("places", type_=Json()))
_level, _index = (cast(json_member(_wanted.c.value, constant(name)), BigInteger()) for name in ("level", "idx"))
_READ_NODES = Statement(
    select(NODES.c.level, NODES.c.idx, NODES.c.hash)
    .select_from(_wanted)
    .join(NODES, (NODES.c.log_id == _log_id) & (NODES.c.level == _level) & (NODES.c.idx == _index))
    .union_all(
        select(literal_column("0", Integer()), LEAVES.c.leaf_index, LEAVES.c.leaf_hash)
        .select_from(_wanted)
        .join(LEAVES, (LEAVES.c.log_id == _log_id) & (_level == literal_column("0")) & (LEAVES.c.leaf_index == _index))
    )
)


async def newest_head(session: Session, log_id: str | None = None) -> Record | None:
    """The newest head of a log, or of the newest log that has one."""
    if log_id is None:
        return await session.one(_NEWEST_HEAD)
    return await session.one(_NEWEST_HEAD_OF, log_id=log_id)


async def head_at(session: Session, log_id: str, size: int) -> Record | None:
    """The head that a log had when it was of this size, if one was signed then."""
    return await session.one(_HEAD_AT, log_id=log_id, size=size)


async def nodes(session: Session, log_id: str, places: Sequence[Place]) -> Node:
    """The nodes at these places, from one statement."""
    wanted = [{"level": level, "idx": index} for level, index in places]
    rows = await session.fetch(_READ_NODES, log_id=log_id, places=wanted)
    found = {(row["level"], row["idx"]): bytes.fromhex(row["hash"]) for row in rows}
    return lambda level, index: found[level, index]


async def frontier(session: Session, log_id: str, size: int) -> Frontier:
    """All of a log of this size that its growth needs."""
    places = frontier_nodes(size)
    node = await nodes(session, log_id, places)
    return Frontier(size, [node(*place) for place in places])
