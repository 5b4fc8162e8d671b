from hack.progress import progress


def an_exposition(*, reconciles: int, depth: int = 0, active: int = 0) -> str:
    return f"""
# TYPE controller_runtime_reconcile_total counter
controller_runtime_reconcile_total{{controller="a",result="success"}} {reconciles}
controller_runtime_reconcile_total{{controller="a",result="error"}} 1
controller_runtime_reconcile_total{{controller="b",result="success"}} 7
# TYPE controller_runtime_active_workers gauge
controller_runtime_active_workers{{controller="a"}} {active}
# TYPE workqueue_depth gauge
workqueue_depth{{controller="a",name="a",priority="0"}} {depth}
"""


def test_the_slowest_controller_decides() -> None:
    assert progress(an_exposition(reconciles=3)).reconciles == {"a": 4, "b": 7}
    assert progress(an_exposition(reconciles=3)).is_through(4)
    assert not progress(an_exposition(reconciles=3)).is_through(5)


def test_who_looks_at_templates_need_not_have_looked_at_anything() -> None:
    idle = 'controller_runtime_reconcile_total{controller="template-status",result="success"} 0'
    told = an_exposition(reconciles=3).replace(
        "# TYPE controller_runtime_active", f"{idle}\n# TYPE controller_runtime_active"
    )

    assert progress(told).reconciles["template-status"] == 0
    assert progress(told).is_through(4)


def test_keys_that_wait_or_are_worked_on_are_not_through() -> None:
    assert not progress(an_exposition(reconciles=9, depth=1)).is_through(4)
    assert not progress(an_exposition(reconciles=9, active=1)).is_through(4)


def test_a_process_that_says_nothing_is_not_through() -> None:
    assert not progress("").is_through(0)
