"""A report as a table for people: a line for each operation, and what failed, in words."""

from __future__ import annotations

from collections.abc import Iterator

from hack.load.tally import Latency, Report

_HEAD = ("operation", "requests", "failed", "p50 ms", "p99 ms", "max ms", "failures")
_SHOWN = 20


def table(report: Report) -> str:
    """The table."""
    rows = [_HEAD]
    for name, row in report.operations.items():
        kinds = ", ".join(f"{kind} {number}" for kind, number in sorted(row.failed.items()))
        failed = sum(row.failed.values())
        rows.append((name, str(row.requests), str(failed), *_milliseconds(row.latency), kinds))
    rows.append(
        ("all", str(report.requests), str(report.failed), *_milliseconds(report.latency), "")
    )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:6], widths[1:6]), row[6]])
        for row in rows
    ]

    return "\n".join([*(line.rstrip() for line in lines), "", summary(report), *_failures(report)])


def summary(report: Report) -> str:
    """The report in a line."""
    return (
        f"{report.requests} requests in {report.seconds:.1f} s ({report.rate:.1f}/s), "
        f"{report.failed} failed, {report.resent} sent again on a connection closed by the server, "
        f"p50 {1000 * report.latency.median:.0f} ms, p99 {1000 * report.latency.p99:.0f} ms, "
        f"max {1000 * report.latency.most:.0f} ms, {report.opened} connections, "
        f"latest start {report.late:.2f} s late"
    )


def _milliseconds(latency: Latency) -> tuple[str, str, str]:
    median, p99, most = (1000 * one for one in (latency.median, latency.p99, latency.most))
    return f"{median:.1f}", f"{p99:.1f}", f"{most:.1f}"


def _failures(report: Report) -> Iterator[str]:
    yield from map(str, report.failures[:_SHOWN])
    if report.failed > _SHOWN:
        yield f"and {report.failed - _SHOWN} more"
