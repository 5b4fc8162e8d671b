"""How the operator logs: structlog, one event a line, as JSON or for a person.

In: format and level. Out: structlog configured, once, by the composition root. Libraries that log
through `logging` are shown from WARNING on; the client library that prints the bodies of responses
at DEBUG (Secrets among them) is held at WARNING whatever our own level is. Tracebacks never show
local variables, for the same reason.
"""

import logging
import sys

import structlog

_TALKATIVE = ("kubernetes_asyncio.client.rest", "aiohttp", "asyncio")


def configure(*, level: str, as_json: bool) -> None:
    """Configures structlog and caps what libraries may say; `level` as in `logging`."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    )
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if as_json:
        traces = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        processors.append(structlog.processors.ExceptionRenderer(traces))
    structlog.configure(
        processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
