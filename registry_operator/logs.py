"""How the operator logs: structlog, one event a line, as JSON or for a person.

In: format and level. Out: structlog configured, once, by the composition root. Libraries that log
through `logging` are shown from WARNING on; the client library that prints the bodies of responses
at DEBUG (Secrets among them) is held at INFO whatever our own level is.
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
        logging.getLogger(name).setLevel(max(logging.INFO, logging.WARNING))
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    )
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if as_json:
        processors.append(structlog.processors.dict_tracebacks)
    structlog.configure(
        processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
