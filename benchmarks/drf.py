"""The same answers from Django REST Framework, as its own guides would have them: models, serializers, views.

No session, authentication, permission or middleware is on: that is in this peer's favour.
"""

# Django has no types here, so each of its classes is Any to mypy.
# mypy: allow-subclassing-any

import os
from datetime import date
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

_database = urlsplit(os.environ.get("BENCH_DATABASE_URL", "postgresql:///"))
settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="only for the benchmark",
    INSTALLED_APPS=["rest_framework"],
    USE_TZ=True,
    TIME_ZONE="UTC",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": _database.hostname,
            "PORT": _database.port,
            "USER": _database.username,
            "NAME": _database.path.removeprefix("/"),
            "CONN_MAX_AGE": None,
        }
    },
    REST_FRAMEWORK={
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "UNAUTHENTICATED_USER": None,
    },
)
django.setup()

from django.db import models, transaction  # noqa: E402
from django.db.models import Count, Max, Min, Q  # noqa: E402
from django.shortcuts import get_object_or_404  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402
from rest_framework import generics, pagination, serializers  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402
from uuid_utils.compat import uuid7  # noqa: E402

NOBODY = UUID("00000000-0000-7000-8000-000000000000")
OPEN = Q(status__in=["not_started", "in_progress"])


class Row(models.Model):
    id = models.UUIDField(primary_key=True)
    version = models.IntegerField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class Force(Row):
    code = models.TextField(unique=True)

    class Meta:
        managed, db_table, app_label = False, "force", "benchmarks"


class SupportLevel(Row):
    code = models.TextField(unique=True)
    level = models.IntegerField()

    class Meta:
        managed, db_table, app_label = False, "support_level", "benchmarks"


class Assignment(Row):
    force_code = models.TextField()
    level = models.ForeignKey(SupportLevel, models.PROTECT, to_field="code", db_column="level_code")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)

    class Meta:
        managed, db_table, app_label = False, "support_level_assignment", "benchmarks"


class Measure(Row):
    code = models.TextField(unique=True)
    name = models.TextField()
    unit = models.TextField()
    direction = models.TextField(null=True)

    class Meta:
        managed, db_table, app_label = False, "measure", "benchmarks"


class Concern(Row):
    title = models.TextField()
    status = models.TextField()
    owner = models.TextField(null=True)
    measure_codes = models.JSONField()

    class Meta:
        managed, db_table, app_label = False, "concern", "benchmarks"


class Pip(Row):
    ref = models.TextField(unique=True)
    title = models.TextField()
    summary = models.TextField()
    status = models.TextField()
    lead = models.TextField(null=True)
    concern_ids = models.JSONField()
    starts_on = models.DateField(null=True)
    ends_on = models.DateField(null=True)
    sustainability = models.TextField()
    force_code = models.TextField()

    class Meta:
        managed, db_table, app_label = False, "pip", "benchmarks"


class Action(Row):
    force_code = models.TextField()
    original_due_on = models.DateField(null=True)
    title = models.TextField()
    description = models.TextField()
    intended_outputs = models.JSONField()
    lead = models.TextField(null=True)
    resources = models.TextField()
    starts_on = models.DateField(null=True)
    due_on = models.DateField(null=True)
    status = models.TextField()
    completed_on = models.DateField(null=True)
    pip = models.ForeignKey(Pip, models.PROTECT)
    concern = models.ForeignKey(Concern, models.PROTECT)
    task_number = models.TextField(null=True)

    class Meta:
        managed, db_table, app_label = False, "action", "benchmarks"


class Update(Row):
    pip = models.ForeignKey(Pip, models.PROTECT)
    concern = models.ForeignKey(Concern, models.PROTECT, null=True)
    action = models.ForeignKey(Action, models.PROTECT, null=True)
    reported_on = models.DateField()
    reported_by = models.TextField()
    narrative = models.TextField()
    brag = models.TextField(null=True)
    percent_complete = models.IntegerField(null=True)

    class Meta:
        managed, db_table, app_label = False, "progress_update", "benchmarks"


class Entry(models.Model):
    seq = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True)
    at = models.DateTimeField()
    act = models.TextField()
    noun = models.TextField()
    subject_ref = models.TextField(null=True)
    version = models.IntegerField(null=True)
    force_code = models.TextField(null=True)
    actor_type = models.TextField()
    actor_id = models.UUIDField()
    actor_name = models.TextField()
    client_id = models.TextField()
    request_id = models.TextField()
    state = models.JSONField()
    patch = models.JSONField()

    class Meta:
        managed, db_table, app_label = False, "ledger_entry", "benchmarks"


class Figure(models.Model):
    pk = models.CompositePrimaryKey("force_code", "measure_code", "unit_code", "period_start", "period_end", "revision")
    force_code = models.TextField()
    measure_code = models.TextField()
    unit_code = models.TextField(default="")
    period_start = models.DateField()
    period_end = models.DateField()
    revision = models.IntegerField()
    value = models.DecimalField(max_digits=24, decimal_places=9)
    status = models.TextField()
    narrative = models.TextField()
    recorded_at = models.DateTimeField()
    entry_id = models.UUIDField()

    class Meta:
        managed, db_table, app_label = False, "figure", "benchmarks"


class LatestSerializer(serializers.ModelSerializer[Any]):
    value = serializers.FloatField()

    class Meta:
        model = Figure
        fields = ("value", "period_start", "period_end")


class MeasureSerializer(serializers.ModelSerializer[Any]):
    latest = LatestSerializer()

    class Meta:
        model = Measure
        fields = ("code", "name", "unit", "direction", "latest")


class ConcernSerializer(serializers.ModelSerializer[Any]):
    measures = MeasureSerializer(many=True)

    class Meta:
        model = Concern
        fields = ("id", "title", "status", "owner", "measures")


class LevelSerializer(serializers.ModelSerializer[Any]):
    code = serializers.CharField(source="level.code")
    level = serializers.IntegerField(source="level.level")
    since = serializers.DateField(source="starts_on")

    class Meta:
        model = Assignment
        fields = ("code", "level", "since")


class CountsSerializer(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    not_started = serializers.IntegerField()
    in_progress = serializers.IntegerField()
    completed = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    overdue = serializers.IntegerField()
    overdue_refs = serializers.ListField(child=serializers.CharField())
    next_due_on = serializers.DateField()


class UpdateSerializer(serializers.ModelSerializer[Any]):
    class Meta:
        model = Update
        fields = ("reported_on", "reported_by", "brag", "percent_complete", "narrative")


class StatusSerializer(serializers.ModelSerializer[Any]):
    level = LevelSerializer()
    concerns = ConcernSerializer(many=True)
    actions = CountsSerializer()
    progress = UpdateSerializer()

    class Meta:
        model = Pip
        fields = (
            "id", "ref", "title", "status", "version", "lead", "force_code", "starts_on", "ends_on", "updated_at",
            "level", "concerns", "actions", "progress",
        )  # fmt: skip


class StatusView(APIView):
    def get(self, request: Request, id: UUID) -> Response:
        today = date.today()  # noqa: DTZ011
        pip = get_object_or_404(Pip, id=id, withdrawn_at=None)
        found = {str(each.id): each for each in Concern.objects.filter(id__in=pip.concern_ids, withdrawn_at=None)}
        pip.concerns = [found[id] for id in pip.concern_ids if id in found]
        codes = {code for concern in pip.concerns for code in concern.measure_codes}
        measures = {each.code: each for each in Measure.objects.filter(code__in=codes)}
        newest = ("measure_code", "-period_start", "-period_end", "-revision")
        latest = (
            Figure.objects.filter(force_code=pip.force_code, measure_code__in=codes, unit_code="")
            .order_by(*newest)
            .distinct("measure_code")
        )
        by_measure = {each.measure_code: each for each in latest}
        for code, measure in measures.items():
            measure.latest = by_measure.get(code)
        for concern in pip.concerns:
            concern.measures = [measures[code] for code in concern.measure_codes]
        late = OPEN & Q(due_on__lt=today)
        states = ("not_started", "in_progress", "completed", "cancelled")
        live = Action.objects.filter(pip=pip, withdrawn_at=None)
        pip.actions = live.aggregate(
            total=Count("id"),
            overdue=Count("id", filter=late),
            next_due_on=Min("due_on", filter=OPEN),
            **{state: Count("id", filter=Q(status=state)) for state in states},
        )
        pip.actions["overdue_refs"] = sorted(live.filter(late).values_list("task_number", flat=True))
        pip.level = (
            Assignment.objects.select_related("level")
            .filter(Q(ends_on=None) | Q(ends_on__gte=today), force_code=pip.force_code, withdrawn_at=None)
            .filter(starts_on__lte=today)
            .first()
        )
        pip.progress = Update.objects.filter(pip=pip, concern=None, action=None).order_by("-reported_on", "-id").first()
        return Response(StatusSerializer(pip).data)


class PipSerializer(serializers.ModelSerializer[Any]):
    class Meta:
        model = Pip
        fields = (
            "id", "ref", "title", "summary", "status", "lead", "concern_ids", "starts_on", "ends_on", "sustainability",
            "force_code", "version", "created_at", "updated_at", "withdrawn_at",
        )  # fmt: skip


class PipView(generics.RetrieveAPIView[Any]):
    queryset = Pip.objects.filter(withdrawn_at=None)
    serializer_class = PipSerializer
    lookup_field = "id"


class ActionSerializer(serializers.ModelSerializer[Any]):
    pip_id = serializers.UUIDField()
    concern_id = serializers.UUIDField()

    class Meta:
        model = Action
        fields = (
            "id", "force_code", "original_due_on", "title", "description", "intended_outputs", "lead", "resources",
            "starts_on", "due_on", "status", "completed_on", "pip_id", "concern_id", "task_number", "version",
            "created_at", "updated_at", "withdrawn_at",
        )  # fmt: skip


class ByFifty(pagination.CursorPagination):
    page_size = 50
    ordering = "id"


class ActionsView(generics.ListAPIView[Any]):
    serializer_class = ActionSerializer
    pagination_class = ByFifty

    def get_queryset(self) -> Any:
        return Action.objects.filter(force_code=self.request.query_params["force"], withdrawn_at=None)

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"items": data, "page": {"limit": 50, "has_more": self.paginator.get_next_link() is not None}})


class FigureSerializer(serializers.ModelSerializer[Any]):
    value = serializers.DecimalField(max_digits=15, decimal_places=9, coerce_to_string=False)
    narrative = serializers.CharField(max_length=10_000, allow_blank=True, default="")
    status = serializers.ChoiceField(["provisional", "final"], default="final")
    recorded_at = serializers.DateTimeField(read_only=True)

    class Meta:
        model = Figure
        fields = (
            "force_code", "measure_code", "period_start", "period_end", "value", "status", "narrative", "revision",
            "recorded_at",
        )  # fmt: skip
        read_only_fields = ("revision",)
        validators: tuple[Any, ...] = ()


class FigureView(APIView):
    def put(self, request: Request, force: str, measure: str, period: str) -> Response:
        key = {"force_code": force, "measure_code": measure, "period_start": period, "period_end": period}
        sent = FigureSerializer(data={**request.data, **key})
        sent.is_valid(raise_exception=True)
        get_object_or_404(Force, code=force)
        get_object_or_404(Measure, code=measure, withdrawn_at=None)
        with transaction.atomic():
            known = Figure.objects.filter(**key, unit_code="").aggregate(revision=Max("revision"))["revision"] or 0
            figure = Figure(**sent.validated_data, revision=known + 1, recorded_at=timezone.now(), entry_id=uuid7())
            shown = FigureSerializer(figure).data
            shown["value"] = float(figure.value)
            Entry.objects.create(
                id=figure.entry_id, at=figure.recorded_at, act="figure.recorded", noun="figure",
                subject_ref=f"{force}/{measure}/{period}", version=figure.revision, force_code=force,
                actor_type="service", actor_id=NOBODY, actor_name="drf", client_id="drf",
                request_id=str(figure.entry_id), state=shown, patch=[],
            )  # fmt: skip
            figure.save(force_insert=True)
        return Response(shown, 200 if known else 201)


urlpatterns = [
    path("v1/pips/<uuid:id>/status", StatusView.as_view()),
    path("v1/pips/<uuid:id>", PipView.as_view()),
    path("v1/actions", ActionsView.as_view()),
    path("v1/forces/<str:force>/measures/<str:measure>/figures/<str:period>", FigureView.as_view()),
]
application = get_wsgi_application()
