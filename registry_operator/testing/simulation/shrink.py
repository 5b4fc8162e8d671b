"""From a plan that fails to a small one that still fails (delta debugging, Zeller 2002).

In flow a plan and a function that says whether a plan fails in the same way; out flows a plan from
which no single step, and none of the larger parts that were tried, can be taken away.
"""

from collections.abc import Callable

from registry_operator.testing.simulation.plan import Plan


def shrink(plan: Plan, fails: Callable[[Plan], bool], *, tries: int = 400) -> Plan:
    """Return the smallest failing plan found with at most so many `tries`.

    Raises ValueError for a plan that does not fail at all.
    """
    if not fails(plan):
        raise ValueError("a plan that does not fail can't be made smaller")
    kept = list(range(len(plan.steps)))
    parts = 2
    while len(kept) > 1 and tries > 0:
        size = -(-len(kept) // parts)
        for start in range(0, len(kept), size):
            rest = kept[:start] + kept[start + size :]
            tries -= 1
            if fails(plan.only(rest)):
                kept, parts = rest, max(parts - 1, 2)
                break
            if tries <= 0:
                break
        else:
            if size == 1:
                break
            parts = min(parts * 2, len(kept))
    if len(kept) == 1 and tries > 0 and fails(plan.only([])):
        kept = []
    return plan.only(kept)
