"""How does a framework get its next edition? The yearly review: all items are copied, and a reason is given."""

from sqlalchemy import bindparam, select
from sqlmodel import Field

from pip_api.db.columns import Uid
from pip_api.db.statements import Record, Statement
from pip_api.http.preconditions import etag
from pip_api.kernel import verbs
from pip_api.kernel.call import Answer, Call
from pip_api.kernel.document import ID, REASON, Operation
from pip_api.kernel.shapes import CodeText, Day, Line, Prose, Shape, examples, one_of
from pip_api.kernel.validation import validated
from pip_api.kernel.writing import changes, fresh, write, write_new
from pip_api.resources.frameworks import FrameworkStatus, ReviewReason, framework_items, frameworks


class FrameworkEdition(Shape):
    """What the next edition is called, and why there is one."""

    model_config = examples(code="lancashire-12x12-2018", edition="2018", review_reason="new_evidence")

    code: CodeText = Field(description="Of the new edition.")
    edition: Line = Field(description="Which edition it is.")
    review_reason: ReviewReason = one_of("Why it is changed.")
    status: FrameworkStatus = one_of("As what it starts.", default="consultation")
    valid_from: Day | None = Field(default=None, description="The day from which it is to hold.")
    review_discussion: Prose = Field(
        default="", description="With which partners the review was discussed, and what they said."
    )


async def next_edition(call: Call) -> Answer:
    """Another edition with every item of this one. The one before stays as it is; what it says can be ended later."""
    old = await verbs.find(frameworks, call, call.path["id"], hold=True)
    call.require_for(frameworks.writes, None)
    call.check_media_type()
    sent = validated(FrameworkEdition, call.body(), set(FrameworkEdition.model_fields), ignored=call.ignored)
    kept = {name: old[name] for name in ("title", "publisher", "source", "ambition", "mission")}
    new = kept | sent | {"valid_to": None, "reviewed_from": old["code"]}
    row = frameworks.with_derived(fresh(frameworks, call, new))
    await write(frameworks, call, "created", row, changes(frameworks, row, None))
    items = await call.session.fetch(_ITEMS, framework_id=old["id"])
    await write_new(framework_items, call, [_copy(call, item, old, row) for item in items])
    shown = {name: row[name] for name in frameworks.names}
    return Answer(201, shown, {"ETag": etag(1), "Location": f"{frameworks.path}/{row['id']}"})


def _copy(call: Call, item: Record, old: Record, new: Record) -> Record:
    """What stands in the edition before is right already, so nothing is looked up. What an item says of its own
    edition it says of the new one."""
    before, after = f"{old['code']}:", f"{new['code']}:"
    mappings = [
        each | {"item_code": after + each["item_code"].removeprefix(before)}
        if each["item_code"].startswith(before)
        else each
        for each in item["mappings"]
    ]
    own = {name: item[name] for name in framework_items.create.model_fields}
    copied = own | {"framework_id": new["id"], "ref": after + item["code"], "mappings": mappings}
    return framework_items.with_derived(fresh(framework_items, call, copied))


_ITEMS = Statement(
    select(*(framework_items.table.c[name] for name in framework_items.names))
    .where(
        framework_items.table.c.framework_id == bindparam("framework_id", type_=Uid()),
        framework_items.table.c.withdrawn_at.is_(None),
    )
    .order_by(framework_items.table.c.id)
)

operations = [
    Operation(
        "POST", "/v1/frameworks/{id}/editions", "createFrameworkEdition", "frameworks",
        "Make the next edition of a framework", frameworks.writes, next_edition, {201: frameworks.read_shape},
        [ID, REASON], FrameworkEdition,
    )
]  # fmt: skip
