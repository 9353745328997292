"""What in a force bears on which item of a framework?

Anything that a force owns may be tagged, and what is national: but no people, as tags are read by whoever reads plans.
"""

from uuid import UUID

from sqlmodel import Field

from pip_api.access.permissions import is_personal
from pip_api.db.columns import Code, Uid
from pip_api.db.session import Session
from pip_api.db.statements import Record
from pip_api.http.problems import fault, pointer
from pip_api.kernel.query import equal
from pip_api.kernel.resource import Reference, Resource, RuleContext
from pip_api.kernel.shapes import CodeText, Owned, Prose, Shape, examples, owner, reference
from pip_api.kernel.validation import invalid
from pip_api.resources import nouns
from pip_api.resources.forces import forces
from pip_api.resources.frameworks import framework_items


class TagFields(Shape):
    note: Prose = Field(default="", description="How the one bears on the other.")


class TagCreate(TagFields):
    model_config = examples(
        force_code="avon-and-somerset",
        subject_noun="action",
        subject_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2c",
        framework_item_id="0193c1d2-7a10-7c3e-9d55-0c9f6f0a1b2d",
    )

    force_code: str = owner()
    subject_noun: CodeText = Field(
        sa_type=Code, description="What is tagged, such as concern, action or national_service."
    )
    subject_id: UUID = Field(sa_type=Uid, index=True, description="Its id.")
    framework_item_id: UUID = reference("framework_item", "The item that it bears on.", national=True)


class Tag(Owned, TagCreate, table=True):
    pass


async def look_for_subject(session: Session, tag: Record, on: RuleContext) -> None:
    """Raises 422 unless the force owns such a thing, or it is national, and the caller may see it."""
    of = nouns().get(tag["subject_noun"])
    if of is None or not _may_be_tagged(of):
        known = sorted(noun for noun, each in nouns().items() if _may_be_tagged(each))
        detail = "Things of this kind are not tagged."
        raise invalid([fault("unknown_noun", detail, pointer=pointer("subject_noun"), allowed=known)])
    found = await session.fetch(of.lookup("id"), names=[tag["subject_id"]], forces=of.reached(on.by))
    if not any(of.home is None or row["force_code"] == tag["force_code"] for row in found):
        raise invalid([fault("unknown_reference", f"There is no such {of.label} here.", pointer=pointer("subject_id"))])


def _may_be_tagged(of: Resource) -> bool:
    return of.home in ("force_code", None) and not is_personal(of.reads)


tags = Resource(
    noun="tag",
    plural="tags",
    row=Tag,
    create=TagCreate,
    fields=TagFields,
    describes="What in a force, or of the nation, bears on which item of a framework.",
    filters=[
        equal("force", "force_code"),
        equal("subject_noun"),
        equal("subject", "subject_id", "id"),
        equal("framework_item", "framework_item_id", "id"),
    ],
    references=[
        Reference("force_code", forces, by="code"),
        Reference("framework_item_id", framework_items),
    ],
    complete=look_for_subject,
)
