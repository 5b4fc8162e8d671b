"""The pages tell the truth: links, targets, reasons, flags, rights and examples exist as written."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click
import pytest
import yaml
from prometheus_client import CollectorRegistry

import controllers
from controllers.registry.reasons import CONDITIONS, TABLE
from controllers.registry.served_metrics import ServedMetrics
from controllers.template import reporter as template_reporter
from registry_operator.api.names import API_VERSION
from registry_operator.api.registry import Registry
from registry_operator.api.registry_template import RegistryTemplate
from registry_operator.api.upgrade import UpgradeStatus
from registry_operator.cli import run
from registry_operator.runtime.metrics import Metrics

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("c*/README.md"), *ROOT.glob("hack/*.md")]
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
GENERATED = re.compile(r"<!-- generated: .*?<!-- end -->", re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
WORD = re.compile(r"`([A-Z][a-z]+(?:[A-Z][A-Za-z]*)+)`")
MAKE = re.compile(r"\bmake ([a-z][a-z0-9-]*)")
# CamelCase words in backticks that are neither conditions nor reasons.
OTHERS = frozenset(
    {
        *("LeadershipLost", "NoCredentials", "StopError"),  # why the operator stopped
        *("NotFound", "ErrImageNeverPull", "WaitForFirstConsumer"),  # Kubernetes' own
        *("ReadWriteOnce", "ReadWriteMany", "ReadOnlyMany", "ReadWriteOncePod"),
        *get_args(UpgradeStatus.model_fields["phase"].annotation),
        *("Supported", "Any"),  # spec.upgrade.policy
        *("OnRootMismatch", "RollingUpdate", "ContainerResource", "PreferSameZone"),
        *("PreferSameNode", "AlwaysAllow"),
        *("OwnerReferencesPermissionEnforcement", "OwnedKind", "RegistryTemplate"),
        *template_reporter.REASONS,
    }
)

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def blocks(page: Path, language: str) -> list[str]:
    return [text for tag, text in FENCE.findall(page.read_text()) if tag == language]


def anchors(page: Path) -> set[str]:
    """The anchors of the headings, as they are made for Markdown on the usual forges."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def targets() -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def rows(page: Path, heading: str) -> Iterator[list[str]]:
    """The cells of the first table below a heading, without its head."""
    _, _, rest = page.read_text().partition(f"\n{heading}\n")
    table = re.search(r"(?:^\|.*\n)+", rest, re.MULTILINE)
    assert table is not None, f"{page.name}: no table below {heading}"
    for line in table[0].splitlines()[2:]:
        yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@every_page
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@every_page
def test_every_make_target_exists(page: Path) -> None:
    commands = [*blocks(page, "console"), *re.findall(r"`(make [^`]+)`", prose(page))]
    named = {name for command in commands for name in MAKE.findall(command)}

    assert named <= targets()


@every_page
def test_every_condition_and_reason_in_backticks_is_one_that_is_written(page: Path) -> None:
    written_by_hand = GENERATED.sub("", prose(page))
    named = set(WORD.findall(written_by_hand))

    assert named <= CONDITIONS.keys() | TABLE.keys() | OTHERS


def test_the_page_of_templates_explains_every_reason_of_theirs() -> None:
    told = rows(DOCS / "templates.md", "## When a template changes")

    assert tuple(quoted(cells[0])[0] for cells in told) == template_reporter.REASONS


def test_operating_explains_exactly_the_flags_that_there_are() -> None:
    explained = {
        flag for cells in rows(DOCS / "operating.md", "## Settings") for flag in quoted(cells[0])
    }
    options = [option for option in run.params if isinstance(option, click.Option)]
    known = {flag for option in options for flag in (*option.opts, *option.secondary_opts)}

    assert explained == known


def test_operating_names_the_defaults_that_hold() -> None:
    told = {
        quoted(cells[0])[0]: quoted(cells[1])
        for cells in rows(DOCS / "operating.md", "## Settings")
    }
    for option in run.params:
        assert isinstance(option, click.Option)
        default = option.to_info_dict()["default"]
        if isinstance(default, bool):
            default = option.secondary_opts[0] if default is False else option.opts[0]
        assert told[option.opts[0]] == ([] if default is None else [str(default)])


def test_operating_explains_every_right_and_none_that_is_not_granted() -> None:
    told = {
        (resource, verb)
        for cells in rows(DOCS / "operating.md", "## Rights")
        for resource in quoted(cells[0])
        for verb in cells[1].split(", ")
        if resource != "leases"  # a Role of its own
    }
    granted = {
        (resource, verb)
        for _groups, resources, verbs in controllers.rules()
        for resource in resources
        for verb in verbs
    }

    assert told == granted


def test_operating_explains_every_metric_and_none_that_is_not_there() -> None:
    told = {
        name for cells in rows(DOCS / "operating.md", "## Metrics") for name in quoted(cells[0])
    }
    metrics = Metrics(CollectorRegistry())
    ServedMetrics(metrics.registry)
    there = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in metrics.registry.collect()
    }

    assert told == there


def examples() -> Iterator[Any]:
    files = sorted((ROOT / "config" / "samples").glob("registry*.yaml"))
    texts = [(path, path.read_text()) for path in files]
    texts += [(page, block) for page in PAGES for block in blocks(page, "yaml")]
    for path, text in texts:
        for body in yaml.safe_load_all(text):
            if isinstance(body, dict) and body.get("kind") in {"Registry", "RegistryTemplate"}:
                name = f"{path.relative_to(ROOT)}: {body['metadata']['name']}"
                yield pytest.param(body, id=name)


@pytest.mark.parametrize("body", [*examples()])
def test_every_registry_in_the_pages_is_one_without_a_slip_of_the_pen(body: Any) -> None:
    model = RegistryTemplate if body["kind"] == "RegistryTemplate" else Registry
    read = model.model_validate(body, extra="forbid")

    assert body["apiVersion"] == API_VERSION
    assert read.spec.storage is not None or "template" in body


def test_the_readme_opens_with_a_registry_of_at_most_twelve_lines() -> None:
    first = blocks(ROOT / "README.md", "yaml")[0]

    assert yaml.safe_load(first)["kind"] == "Registry"
    assert len(first.splitlines()) <= 12


def modules_in_the_architecture() -> set[str]:
    """Paths of modules, each named in a table below the heading of its package."""
    named: set[str] = set()
    folder = ""
    for line in (DOCS / "architecture.md").read_text().splitlines():
        opened = re.match(r"(?:### )?`((?:registry_operator|controllers)/[a-z_/]*)`", line)
        if opened:
            folder = opened[1]
        elif line.startswith("#"):
            folder = ""
        elif folder and line.startswith("| `"):
            names = quoted(line.split("|")[1])
            named |= {folder + name for name in names if name.endswith((".py", "/"))}
    return named


def test_the_architecture_names_every_module_and_none_that_is_not_there() -> None:
    there = {
        str(path.relative_to(ROOT))
        for package in ("registry_operator", "controllers")
        for path in (ROOT / package).rglob("*.py")
        if path.stat().st_size and path.name != "__init__.py"
    }
    named = modules_in_the_architecture()
    folders = tuple(name for name in named if name.endswith("/"))
    files = {name for name in named if name not in folders and not name.endswith("__init__.py")}

    assert files == {path for path in there if not path.startswith(folders)}
    assert all((ROOT / folder).is_dir() for folder in folders)
