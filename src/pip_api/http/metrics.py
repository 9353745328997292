"""What has the service done so far, in numbers for Prometheus?

Each application has a registry of its own. No label has values without end: operations, classes of status, codes,
issuers of the settings.
"""

from collections.abc import Callable, Mapping

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

MEDIA_TYPE = CONTENT_TYPE_LATEST
NO_OPERATION = "none"
"""The operation of a request to an address, or with a method, that there is not."""
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)


class Metrics:
    def __init__(self, version: str) -> None:
        self.running = 0
        self._registry = registry = CollectorRegistry()
        self._seconds = Histogram(
            "pip_api_request_seconds",
            "Requests by operation and class of status, and the seconds until they were answered.",
            ["operation", "status"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._refused = Counter("pip_api_refused", "Refusals by their code.", ["code"], registry=registry)
        self._tokens = Counter(
            "pip_api_tokens_refused", "Bearer tokens by why they were refused.", ["reason"], registry=registry
        )
        self._fetches = Counter(
            "pip_api_issuer_key_fetches",
            "Requests for the keys of named issuers.",
            ["issuer", "outcome"],
            registry=registry,
        )
        self._key_age = Gauge(
            "pip_api_issuer_keys_age_seconds", "Since the keys of a named issuer were had; +Inf is never.", ["issuer"],
            registry=registry,
        )  # fmt: skip
        running = Gauge("pip_api_requests_running", "Requests that are being answered.", registry=registry)
        running.set_function(lambda: self.running)
        Gauge("pip_api_info", "The release.", ["version"], registry=registry).labels(version).set(1)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self._kept: dict[tuple[str, int], Histogram] = {}

    def show(self, figures: Mapping[str, tuple[str, Callable[[], float]]]) -> None:
        """Also shows these: names, each with what it is and where its number comes from."""
        for name, (describes, number) in figures.items():
            Gauge(f"pip_api_{name}", describes, registry=self._registry).set_function(number)

    def answered(self, operation: str, status: int, seconds: float) -> None:
        kind = operation, status // 100
        if (kept := self._kept.get(kind)) is None:  # looking one up by its labels costs as much again
            kept = self._kept[kind] = self._seconds.labels(operation, f"{status // 100}xx")
        kept.observe(seconds)

    def refused(self, code: str) -> None:
        self._refused.labels(code).inc()

    def token_refused(self, reason: str) -> None:
        self._tokens.labels(reason).inc()

    def keys_fetched(self, issuer: str, outcome: str) -> None:
        self._fetches.labels(issuer, outcome).inc()

    def watch_keys(self, issuer: str, age: Callable[[], float]) -> None:
        self._key_age.labels(issuer).set_function(age)

    def page(self) -> bytes:
        """Everything, in the text format of Prometheus."""
        return generate_latest(self._registry)
