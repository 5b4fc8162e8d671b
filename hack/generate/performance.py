"""Tables of docs/performance.md: what docs/performance/results.json says was measured."""

from collections.abc import Iterator
from pathlib import Path

from hack.bench import results, table
from hack.generate.docs import replace_table
from hack.generate.file import GeneratedFile

PAGE = Path("docs", "performance.md")
RESULTS = Path("docs", "performance", "results.json")
_ROOT = Path(__file__).parents[2]


def files() -> Iterator[GeneratedFile]:
    """The page with its tables up to date."""
    records = results.load(_ROOT / RESULTS)
    text = (_ROOT / PAGE).read_text(encoding="utf-8")
    for name, rows in (("judged", table.judged(records)), ("told", table.told(records))):
        text = replace_table(text, name=name, table=rows)

    yield GeneratedFile(PAGE, text)
