"""The state of an operator as a table for a terminal: the answer of the command `state`.

In flows what `/debug/state` answered; out flows text. Pure. What needs somebody's attention comes
last, where the eye is when a command has ended: the keys, and what each of them waits for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

Body = Mapping[str, Any]

_UNITS = (("d", 86400), ("h", 3600), ("m", 60))


def render(state: Body, *, stacks: bool = False) -> str:
    """The whole state as text; `stacks` shows in full where reconciles wait."""
    now = datetime.fromisoformat(state["time"])
    parts = [
        _head(state, now),
        _table(
            ("CONTROLLER", "BUSY", "READY", "DELAYED", "FAILING", "RECONCILES", "ERRORS"),
            (_controller(one) for one in state["controllers"]),
        ),
        _table(
            ("KIND", "OBJECTS", "KIB", "SYNCED", "LAST EVENT", "RESTARTS", "ERROR"),
            (_cache(one) for one in state["caches"]),
        ),
        _keys(state["controllers"], now, stacks=stacks),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def age(seconds: float) -> str:
    """As kubectl tells ages: `0s`, `42s`, `3m20s`, `5h1m`, `3d4h`."""
    left = max(0, int(seconds))
    words = []
    for unit, size in _UNITS:
        if left >= size:
            words.append(f"{left // size}{unit}")
            left %= size
    if left or not words:
        words.append(f"{left}s")
    return "".join(words[:2])


def _head(state: Body, now: datetime) -> str:
    up = age(_seconds(state["started"], now))
    lines = [f"{state['name']} {state['version']}, up for {up}, {state['tasks']} tasks"]
    leader = state["leader"]
    if leader is None:
        lines.append("no leader election")
    elif leader["is_leader"]:
        lines.append(f"leads ({leader['lease']}), for {leader['valid_for']:.1f} s more")
    else:
        lines.append(f"waits for {leader['lease']}, held by {leader['holder'] or 'nobody'}")
    return "\n".join(lines)


def _controller(one: Body) -> Sequence[str]:
    queue = one["queue"]
    counts = (queue["ready"] + queue["held"], queue["delayed"], queue["failing"])
    busy = f"{one['active']}/{one['workers']}"
    return (one["name"], busy, *map(str, counts), str(one["reconciles"]), str(one["errors"]))


def _cache(one: Body) -> Sequence[str]:
    last = one["last_event_seconds_ago"]
    synced = "yes" if one["synced"] else "optional" if one["optional"] else "NO"
    return (
        one["kind"],
        str(one["objects"]),
        str(one["bytes"] // 1024),
        synced,
        "-" if last is None else age(last),
        str(sum(one["restarts"].values())),
        one["error"] or "-",
    )


def _keys(controllers: Sequence[Body], now: datetime, *, stacks: bool) -> str:
    told: list[tuple[str, ...]] = [
        (key["key"], one["name"], *row)
        for one in controllers
        for key in one["keys"]
        for row in _rows(key, now, stacks=stacks)
    ]
    left_out = sum(one["left_out"] for one in controllers)
    if not told and not left_out:
        return "every key is done"
    told.sort()
    table = _table(("KEY", "CONTROLLER", "STATE", "SINCE", "WHY"), told)
    return f"{table}\n{left_out} keys more" if left_out else table


def _rows(key: Body, now: datetime, *, stacks: bool) -> Iterator[Sequence[str]]:
    """What runs, what is queued, what is waited for: a row each."""
    running, queued, waits = key["running"], key["queued"], key["waits_for"]
    if running is not None:
        stack = running["stack"]
        where = "\n".join(f"at {place}" for place in (stack if stacks else stack[-1:]))
        yield "running", age(_seconds(running["since"], now)), where
    if queued is not None and queued["state"] == "delayed":
        failed = f"failed {queued['failures']} times" if queued["failures"] else ""
        yield f"due in {age(queued['due_in_seconds'])}", "-", failed
    elif queued is not None:
        yield queued["state"], age(_seconds(queued["since"], now)), f"priority {queued['priority']}"
    if waits is not None:
        why = ": ".join(word for word in (waits["reason"], waits["message"]) if word)
        yield waits["outcome"], age(_seconds(waits["since"], now)), why


def _seconds(since: str, now: datetime) -> float:
    return (now - datetime.fromisoformat(since)).total_seconds()


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; the last may have several lines."""
    cells = [head, *(one for row in rows for one in _lines(row))]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head) - 1)]
    lines = []
    for *row, last in cells:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("   ".join([*padded, last]))
    return "\n".join(lines)


def _lines(row: Sequence[str]) -> Iterator[Sequence[str]]:
    first, *more = row[-1].splitlines() or [""]
    yield (*row[:-1], first)
    for line in more:
        yield (*("" for _ in row[:-1]), line)
