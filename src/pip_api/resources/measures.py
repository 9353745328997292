"""What is a measure here? Something counted or judged, that figures are posted for and concerns rest on.

It may stand without a target and without a baseline: measures, not targets (Lancashire 12x12, 1.1 and 5.4).
"""

from enum import StrEnum

from sqlmodel import Field

from pip_api.db.columns import Amount, Code
from pip_api.kernel.query import equal
from pip_api.kernel.resource import Resource
from pip_api.kernel.shapes import CodeText, Exact, Prose, Row, Shape, examples, one_of


class Direction(StrEnum):
    increase = "increase"
    decrease = "decrease"
    neutral = "neutral"


class Cadence(StrEnum):
    day = "day"
    week = "week"
    month = "month"
    quarter = "quarter"
    year = "year"
    financial_year = "financial year"
    irregular = "irregular"


class MeasureKind(StrEnum):
    measure = "measure"
    diagnostic = "diagnostic"
    prediction = "prediction"
    """What is expected of another measure, such as demand: its figures may be of periods to come."""


class Evidence(StrEnum):
    quantitative = "quantitative"
    qualitative = "qualitative"
    both = "both"


class MeasureFields(Shape):
    name: str = Field(min_length=1, max_length=500)
    unit: str = Field(
        min_length=1, max_length=50, description="What a figure counts, such as count, percent or seconds."
    )
    cadence: Cadence = one_of("How often a figure is due.")
    direction: Direction | None = one_of("Which way is better; none when neither is, or nobody has said.", default=None)
    kind: MeasureKind = one_of(
        "Whether it shows performance, what may lie behind it, or what is expected.", default=MeasureKind.measure
    )
    evidence: Evidence = one_of("Whether it is numbers, judgements, or both.", default=Evidence.quantitative)
    target: Exact | None = Field(default=None, sa_type=Amount, description="Where it should be; a measure needs none.")
    baseline: Exact | None = Field(default=None, sa_type=Amount, description="Where it was; a new measure has none.")
    definition: Prose = Field(default="", description="How it is counted.")
    source: str = Field(default="", max_length=500, description="Who publishes the figures, or where they come from.")


class MeasureCreate(MeasureFields):
    model_config = examples(
        name="Emergency calls answered within ten seconds",
        unit="percent",
        cadence="month",
        direction="increase",
        target=90,
        code="answered-in-time",
    )

    code: CodeText = Field(unique=True, sa_type=Code, description="Such as breath-tests.")


class Measure(Row, MeasureCreate, table=True):
    pass


measures = Resource(
    noun="measure",
    plural="measures",
    row=Measure,
    create=MeasureCreate,
    fields=MeasureFields,
    describes="The catalogue of measures and diagnostics.",
    key="code",
    filters=[
        equal("code"),
        equal("unit"),
        equal("kind", choices=[each.value for each in MeasureKind]),
        equal("cadence", choices=[each.value for each in Cadence]),
        equal("evidence", choices=[each.value for each in Evidence]),
    ],
    sorts=["code", "name"],
)
