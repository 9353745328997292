"""Which rows in use name a certain row, and so keep it in use?"""

from typing import TYPE_CHECKING

from sqlalchemy import String, bindparam, exists, select

from pip_api.db.columns import Json
from pip_api.db.constructs import constant, each, json_member
from pip_api.db.session import Session
from pip_api.db.statements import Record, Statement

if TYPE_CHECKING:
    from pip_api.kernel.resource import Reference, Resource


class Referrer:
    """A resource whose rows name rows of another, and the statement that finds one which names a certain row."""

    def __init__(self, of: "Resource", reference: "Reference") -> None:
        self.of = of
        self._by = reference.by
        self._prefix = reference.prefix
        column = of.table.c[reference.field]
        self._in_list = isinstance(column.type, Json)
        name = bindparam("name", type_=String() if self._in_list else column.type)
        query = select(of.table.c.id).where(of.table.c.withdrawn_at.is_(None)).limit(1)
        self._within = reference.within if reference.by != "id" else None  # an id says where it is
        if self._within is not None:
            shared = of.table.c[self._within]
            query = query.where(shared == bindparam("home", type_=shared.type))
        if self._in_list:
            member = each(column)
            value = member.c.value if reference.path is None else json_member(member.c.value, constant(reference.path))
            query = query.where(exists(select(member.c.value).where(value == name)))
        else:
            query = query.where(column == name)
        self._any = Statement(query)

    async def names(self, session: Session, row: Record) -> bool:
        """Whether a row in use names this one."""
        name = row[self._by]
        if self._prefix or self._in_list:
            name = f"{self._prefix}{name}"
        home = row[self._within] if self._within is not None else None
        return await session.one(self._any, name=name, home=home) is not None
