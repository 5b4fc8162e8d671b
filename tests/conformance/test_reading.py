"""controller-runtime's cache, as readers see it: declared kinds only, complete, nobody else's copy."""

import asyncio

import pytest

from registry_operator.runtime.cache import NotDeclaredError
from registry_operator.runtime.index import by_label
from registry_operator.testing.fake_transport import a_list, an_answer, on
from registry_operator.testing.virtual_loop import VirtualClock
from tests.conformance.origin import origin
from tests.unit.runtime.cache_stage import Stage
from tests.unit.runtime.secrets_stage import SECRETS, a_body, key


@pytest.fixture
def stage(clock: VirtualClock) -> Stage:
    return Stage(clock)


@origin(143, "cache_test :: ReaderFailOnMissingInformer", "C4")
def test_reading_a_kind_that_nobody_declared_is_an_error_and_watches_nothing(stage: Stage) -> None:
    with pytest.raises(NotDeclaredError):
        stage.cache.store(SECRETS)

    assert stage.transport.requests == []


@origin(143, "cache_test :: the selector table; defaulting_test :: TestDefaultOpts", "C2, C6")
@pytest.mark.parametrize(
    ("namespace", "labels", "fields"),
    [
        (None, None, None),
        ("n", None, None),
        (None, "a=b", None),
        ("n", "a in (b,c)", "type=Opaque"),
    ],
)
async def test_the_server_is_asked_for_what_the_declaration_selects_and_for_no_more(
    stage: Stage, namespace: str | None, labels: str | None, fields: str | None
) -> None:
    stage.cache.declare(SECRETS, namespace=namespace, label_selector=labels, field_selector=fields)
    path = SECRETS.path(namespace)
    stage.transport.expect(on("GET", path), an_answer(a_list("Secret", [], "5")))
    stage.transport.expect_stream(on("GET", path, watch="true"))
    async with stage.running():
        await stage.cache.wait_synced(10)
        await stage.clock.sleep(1)

    selected = {"labelSelector": labels, "fieldSelector": fields}
    for request in stage.transport.requests:
        query = dict(request.query)
        assert {name: query.get(name) for name in selected} == selected
    assert len(stage.transport.requests) == 2


@origin(143, "cache_test :: TestReaderWaitsForCacheSync", "C5")
async def test_who_waits_for_the_cache_reads_everything_from_the_first_read_on(
    stage: Stage,
) -> None:
    store = stage.cache.declare(SECRETS)
    reading = asyncio.create_task(stage.cache.wait_synced(60))
    await stage.clock.sleep(5)
    assert not reading.done()
    assert not store.synced

    stage.serve(SECRETS, "a", "b")
    async with stage.running():
        await reading

        assert {obj.name for obj in store.list()} == {"a", "b"}
        assert store.get(key("c")) is None


@origin(143, "cache_test :: deep copy on and off", "C5, I13")
async def test_readers_may_change_what_they_read_and_nobody_else_sees_it(stage: Stage) -> None:
    store = stage.cache.declare(SECRETS, indexes={"team": by_label("team")})
    body = a_body("a", 1, labels={"team": "x"})
    stage.transport.expect(on("GET"), an_answer(a_list("Secret", [body], "5")))
    stage.transport.expect_stream(on("GET", watch="true"))
    async with stage.running():
        await stage.cache.wait_synced(10)
        (found,) = store.by_index("team", "x")
        found.body()["metadata"]["labels"]["team"] = "y"
        store.list().clear()

        assert store.by_index("team", "x")[0].body() == body
        with pytest.raises(KeyError):
            store.by_index("colour", "x")
