"""What is a region here? One of the nine English regions, or Wales, Scotland or Northern Ireland."""

from sqlmodel import Field

from pip_api.db.columns import Code
from pip_api.kernel.resource import Resource
from pip_api.kernel.shapes import CodeText, GssCode, Line, Row, Shape, examples


class RegionFields(Shape):
    name: Line = Field(description="As the Office for National Statistics names it.")


class RegionCreate(RegionFields):
    model_config = examples(
        name="South West",
        code="south-west",
        gss_code="E12000009",
    )

    code: CodeText = Field(unique=True, sa_type=Code, description="Such as south-west.")
    gss_code: GssCode = Field(unique=True, description="The statistical code, such as E12000009.")


class Region(Row, RegionCreate, table=True):
    pass


regions = Resource(
    noun="region",
    plural="regions",
    row=Region,
    create=RegionCreate,
    fields=RegionFields,
    describes="The regions by which forces are grouped for triage.",
    key="code",
    changes_access=True,
    sorts=["code", "name"],
)
