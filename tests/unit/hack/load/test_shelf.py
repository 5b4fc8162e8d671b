"""Names to pull and to push to: what is pulled is known, and there is always something to pull."""

import random

import pytest

from hack.load.shelf import Shelf


def a_shelf(pushed: int = 0) -> Shelf[str]:
    shelf: Shelf[str] = Shelf(["one", "two"], random.Random(1))
    for number in range(pushed):
        with shelf.writing(f"content {number}"):
            pass
    return shelf


def test_what_was_pushed_is_pulled() -> None:
    shelf = a_shelf()
    with shelf.writing("content") as place:
        pass

    with shelf.reading() as found:
        assert found == (place, "content")
    assert shelf.tags(place.repository) == {place.tag}


def test_what_is_being_pushed_is_not_pulled() -> None:
    shelf = a_shelf()

    with shelf.writing("content"), pytest.raises(IndexError), shelf.reading():
        pass


def test_what_failed_to_be_pushed_is_not_pulled() -> None:
    shelf = a_shelf()
    with pytest.raises(ZeroDivisionError), shelf.writing("content"):
        raise ZeroDivisionError

    with pytest.raises(IndexError), shelf.reading():
        pass
    assert shelf.tags("one") == frozenset()


def test_what_is_being_pulled_is_not_pushed_over() -> None:
    shelf = a_shelf(9)
    with shelf.reading() as (read, _):
        for number in range(30):
            with shelf.writing(f"other {number}") as written:
                assert written is not read


def test_names_are_few_and_some_stay_known_when_pushes_fail() -> None:
    shelf = a_shelf(50)
    names = shelf.tags("one") | shelf.tags("two")
    for _ in range(50):
        with pytest.raises(ZeroDivisionError), shelf.writing("content"):
            raise ZeroDivisionError

    assert len(names) == 9
    with shelf.reading() as (_, content):
        assert content.startswith("content")
