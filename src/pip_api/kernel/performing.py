"""In which unit of work is a story told, and how often is it tried?"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random

from pip_api.access.principals import Principal
from pip_api.db.errors import GaveWay
from pip_api.http.body import json_object, require_media_type
from pip_api.http.problems import Problem
from pip_api.kernel.call import Answer, Call, Services, Upload
from pip_api.kernel.document import Operation
from pip_api.kernel.moments import asked_moment, memento


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came in, whole: a slow sender holds no connection."""

    by: Principal
    request_id: str
    url: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    upload: Upload | None = None


async def perform(operation: Operation, services: Services, asked: Asked) -> Answer:
    """Answers a request. What lost a race with another is tried again, but for an upload, which is read only once."""
    try:
        return await _in_one_unit(operation, services, asked)
    except (Problem, GaveWay) as error:
        if operation.upload or not _lost_a_race(error):
            raise
        return await _racing(_in_one_unit)(operation, services, asked)


async def _in_one_unit(operation: Operation, services: Services, asked: Asked) -> Answer:
    """Runs a story in its own unit of work, which is committed before the answer is rendered."""
    reading = operation.method == "GET"
    moment = None
    if "as_of" in operation.allowed:
        moment = asked_moment(asked.query, asked.headers, services.clock())
    unit = services.database.read() if reading else services.database.transaction(bulk=operation.upload)
    async with unit as session:
        headers = asked.headers
        call = Call(
            services=services,
            session=session,
            by=asked.by,
            request_id=asked.request_id,
            path=asked.path,
            query=asked.query,
            check_media_type=partial(require_media_type, headers, operation.accepts),
            body=partial(json_object, headers, asked.body, operation.accepts),
            upload=asked.upload,
            accept=headers.get("accept", "*/*"),
            if_match=headers.get("if-match"),
            if_none_match=headers.get("if-none-match"),
            moment=moment,
        )
        answer = await operation.story(call)
    return answer if moment is None else memento(answer, moment, asked.url)


def _lost_a_race(error: BaseException) -> bool:
    return isinstance(error, GaveWay) or (isinstance(error, Problem) and error.code == "concurrent_write")


_racing = retry(
    retry=retry_if_exception(_lost_a_race), stop=stop_after_attempt(5), wait=wait_random(0, 0.05), reraise=True
)
