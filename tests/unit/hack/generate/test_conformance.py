"""The page about conformance."""

from hack.generate.conformance import page
from tests.conformance.origin import Declined, Origin
from tests.conformance.rows import Row, TestName

_TESTED = Row(
    2,
    origins=[
        Origin(2, "q :: One", "W4"),
        Origin(2, "q :: Two", "W4, K1"),
        Origin(2, "q :: One", ""),
    ],
    tests=[TestName("test_queue", "test_a_key_comes_once"), TestName("test_queue", "test_it_ends")],
    difference="There is no batch.",
)
_ORIGIN = Origin(19, "limits :: MaxOf|Min", "D8")
_DECLINED = Row(19, origins=[_ORIGIN], declined=[Declined(_ORIGIN, "One back-off is enough.")])


def test_a_tested_behaviour_says_what_holds_it_and_where_it_comes_from() -> None:
    line = (
        "| 2 | a key comes once<br>it ends | [test_queue](../tests/conformance/test_queue.py) "
        "| `q :: One`<br>`q :: Two` | W4, K1 |"
    )

    assert line in page([_TESTED]).splitlines()
    assert "| 2 | There is no batch. |" in page([_TESTED]).splitlines()


def test_a_declined_behaviour_says_why_and_breaks_no_table() -> None:
    lines = page([_DECLINED]).splitlines()

    assert "| 19 | [declined](#declined) |  | `limits :: MaxOf\\|Min` | D8 |" in lines
    assert "| 19 | `limits :: MaxOf\\|Min` | D8 | One back-off is enough. |" in lines


def test_the_page_counts_what_is_held_in_part_and_not_at_all() -> None:
    assert "Of 2 behaviours 1 are held by 2 tests (1 of them [in part]" in page(
        [_TESTED, _DECLINED]
    )
