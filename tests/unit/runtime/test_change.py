from collections.abc import Callable

from structlog.testing import capture_logs

from registry_operator.runtime.change import Subscribers


def test_every_subscriber_hears_every_event_in_order() -> None:
    subscribers: Subscribers[int] = Subscribers("numbers")
    first: list[int] = []
    second: list[int] = []
    subscribers.add(first.append)
    subscribers.add(second.append)

    for number in (1, 2):
        subscribers.tell(number)

    assert (first, second) == ([1, 2], [1, 2])


def test_the_same_function_may_subscribe_twice() -> None:
    subscribers: Subscribers[int] = Subscribers("numbers")
    heard: list[int] = []
    leave = subscribers.add(heard.append)
    subscribers.add(heard.append)

    leave()
    subscribers.tell(1)

    assert heard == [1]


def test_after_leaving_nothing_is_heard_and_leaving_twice_is_harmless() -> None:
    subscribers: Subscribers[int] = Subscribers("numbers")
    heard: list[int] = []
    leave = subscribers.add(heard.append)

    leave()
    leave()
    subscribers.tell(1)

    assert heard == []
    assert len(subscribers) == 0


def test_a_handler_that_another_one_removes_is_not_called_any_more() -> None:
    subscribers: Subscribers[int] = Subscribers("numbers")
    heard: list[int] = []
    leaves: list[Callable[[], None]] = []
    subscribers.add(lambda _number: leaves[0]())
    leaves.append(subscribers.add(heard.append))

    subscribers.tell(1)

    assert heard == []


def test_a_raising_handler_is_logged_and_counted_and_the_others_go_on() -> None:
    counted: list[None] = []
    subscribers: Subscribers[int] = Subscribers("numbers", on_failure=lambda: counted.append(None))
    heard: list[int] = []

    def fail(_number: int) -> None:
        raise ValueError("no number I like")

    subscribers.add(fail)
    subscribers.add(heard.append)
    with capture_logs() as logs:
        subscribers.tell(1)

    assert heard == [1]
    assert subscribers.failures == len(counted) == 1
    assert [(entry["event"], entry["source"]) for entry in logs] == [("handler raised", "numbers")]
