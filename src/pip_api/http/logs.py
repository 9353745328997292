"""In which form does the service say what it does?

One line for each event: JSON in production, readable in development. What libraries log through Python's own logging
takes the same form. A line of a request has its `request_id`; none has a token, a body or a query string.
"""

import logging
import sys
from typing import Any

import orjson
import structlog
from structlog.contextvars import merge_contextvars
from structlog.processors import TimeStamper, add_log_level, format_exc_info
from structlog.stdlib import ProcessorFormatter, add_logger_name
from structlog.typing import Processor


def configure(*, json: bool, level: str) -> None:
    """Sets the form and the least level of all lines of this process, on the standard error stream."""
    stream, least = sys.stderr, logging.getLevelNamesMapping()[level.upper()]
    stamped: list[Processor] = [merge_contextvars, add_log_level, TimeStamper(fmt="iso", utc=True, key="at")]
    rendered: list[Processor] = [format_exc_info, structlog.processors.JSONRenderer(serializer=_json)]
    if not json:  # tracebacks without the values of variables: tokens and bodies are among them
        plain = structlog.dev.plain_traceback
        rendered = [
            structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain, timestamp_key="at")
        ]
    structlog.configure(
        processors=[*stamped, *rendered],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[*stamped, add_logger_name],
            processors=[ProcessorFormatter.remove_processors_meta, *rendered],
        )
    )
    logging.basicConfig(handlers=[handler], level=least, force=True)
    for talkative in ("aiosqlite", "alembic", "httpx"):  # they tell the parameters of statements, and whole addresses
        logging.getLogger(talkative).setLevel(max(least, logging.WARNING))


def _json(line: Any, **_: Any) -> str:
    return orjson.dumps(line, default=str).decode()
