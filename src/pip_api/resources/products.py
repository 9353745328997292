"""Which performance products does a force keep, who uses them, and which were retired because nobody does?"""

from sqlmodel import Field

from pip_api.kernel.checks import has_come, needs, once
from pip_api.kernel.query import after, before, equal
from pip_api.kernel.resource import Reference, Resource
from pip_api.kernel.shapes import Day, Line, Named, Owned, Prose, Shape, Whole, examples, members, owner
from pip_api.resources.forces import forces
from pip_api.resources.measures import measures


class PerformanceProductFields(Shape):
    title: Line
    purpose: Prose = Field(default="", description="Which question it answers.")
    audience: Line | None = Field(default=None, description="Who it is for.")
    measure_codes: list[Named] = members("The measures that it shows.")
    uses: Whole = Field(default=0, ge=0, le=1_000_000_000, description="How often it was used, as counted so far.")
    used_on: Day | None = Field(default=None, description="The day of its last use.")
    retired_on: Day | None = Field(default=None, description="The day from which it is made no more.")
    retired_reason: Prose = Field(default="", description="Why it was retired.")


class PerformanceProductCreate(PerformanceProductFields):
    model_config = examples(
        title="Daily response sheet",
        purpose="Are we there in time?",
        audience="Duty inspectors",
        measure_codes=["answered-in-time"],
        uses=41,
        used_on="2026-10-01",
        force_code="avon-and-somerset",
    )

    force_code: str = owner()


class PerformanceProduct(Owned, PerformanceProductCreate, table=True):
    pass


performance_products = Resource(
    noun="performance_product",
    plural="performance_products",
    row=PerformanceProduct,
    create=PerformanceProductCreate,
    fields=PerformanceProductFields,
    describes="The reports and dashboards that a force makes, and how much each is used.",
    known_as="title",
    filters=[
        equal("force", "force_code"),
        before("used_before", "used_on"),
        after("used_after", "used_on"),
        after("retired_after", "retired_on"),
    ],
    sorts=["title", "uses", "used_on"],
    references=[Reference("force_code", forces, by="code"), Reference("measure_codes", measures, by="code")],
    rules=[
        needs("PRD-001", "retired_reason", lambda product: product["retired_on"], "A product is retired for a reason."),
        needs("PRD-002", "retired_on", lambda product: product["retired_reason"], "A reason to retire needs the day."),
        has_come("PRD-003", "used_on"),
        needs("PRD-004", "used_on", lambda product: product["uses"], "What was used has the day of its last use."),
        once("PRD-005", "measure_codes"),
    ],
)
