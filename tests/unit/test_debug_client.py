"""The command's side of `/debug/state`: it gets the answer, or says what to look at."""

import http.server
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from registry_operator.debug_client import NoAnswerError, fetch


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers with the path that it was asked for; one path is none."""

    def do_GET(self) -> None:
        known = "nobody" not in self.path
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(json.dumps(self.path).encode() if known else b"there is no such\n")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_what_is_asked_is_a_query_and_what_is_not_is_left_out(address: str) -> None:
    told = fetch(address, {"key": "team-a/images", "controller": None, "limit": 3})

    assert json.loads(told) == "/debug/state?key=team-a%2Fimages&limit=3"


def test_a_question_without_an_answer_is_told_in_the_operators_words(address: str) -> None:
    with pytest.raises(NoAnswerError, match=r"^there is no such$"):
        fetch(address, {"controller": "nobody"})


def test_where_nobody_answers_it_says_what_to_look_at() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = f"127.0.0.1:{probe.getsockname()[1]}"
        with pytest.raises(NoAnswerError, match=f"nobody answers at {free} .*debug-bind-address"):
            fetch(free, {})


def test_a_state_that_is_turned_off_is_told_so() -> None:
    with pytest.raises(NoAnswerError, match="turned off"):
        fetch("0", {})


def test_only_loopback_is_asked() -> None:
    with pytest.raises(ValueError, match="is not loopback"):
        fetch("10.0.0.1:8082", {})
