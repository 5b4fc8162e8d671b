import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from registry_operator.kube.credentials import Identity
from registry_operator.kube.errors import TransportError
from registry_operator.kube.exec_plugin import PluginAnswer, PluginFailed
from registry_operator.kube.identity import PluginIdentity, TokenFile

START = datetime(2026, 11, 23, tzinfo=UTC)


class Time:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class FakePlugin:
    """Hands out `token-1`, `token-2`, … that live for `life` seconds; fails while `is_broken`."""

    def __init__(self, time: Time, life: float | None = 600.0) -> None:
        self.time = time
        self.life = life
        self.runs = 0
        self.is_broken = False

    async def run(self) -> PluginAnswer:
        self.runs += 1
        await asyncio.sleep(0)
        if self.is_broken:
            raise PluginFailed("broken")
        end = None if self.life is None else self.time() + timedelta(seconds=self.life)
        return PluginAnswer(Identity(token=f"token-{self.runs}"), end)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def plugin(time: Time) -> FakePlugin:
    return FakePlugin(time)


@pytest.fixture
def source(plugin: FakePlugin, time: Time) -> PluginIdentity:
    return PluginIdentity(plugin, now=time)


async def token(source: PluginIdentity | TokenFile, *, refresh: bool = False) -> str | None:
    return (await source.identity(refresh=refresh)).token


async def test_a_token_file_is_read_again_once_a_minute(tmp_path: Path, time: Time) -> None:
    path = tmp_path / "token"
    path.write_text("one\n")
    source = TokenFile(path, now=time)
    assert await token(source) == "one"

    path.write_text("two\n")
    time.passes(59)
    assert await token(source) == "one"
    time.passes(1)
    assert await token(source) == "two"


async def test_a_refused_token_is_read_again_at_once(tmp_path: Path, time: Time) -> None:
    path = tmp_path / "token"
    path.write_text("one")
    source = TokenFile(path, now=time)
    await token(source)
    path.write_text("two")

    assert await token(source, refresh=True) == "two"


async def test_a_token_file_that_vanishes_or_empties_leaves_the_old_token(
    tmp_path: Path, time: Time
) -> None:
    path = tmp_path / "token"
    path.write_text("one")
    source = TokenFile(path, now=time)
    await token(source)

    path.write_text("")
    assert await token(source, refresh=True) == "one"
    path.unlink()
    assert await token(source, refresh=True) == "one"


async def test_a_token_file_that_never_was_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TransportError, match="no bearer token") as raised:
        await token(TokenFile(tmp_path / "token"))
    assert not raised.value.sent


async def test_many_who_ask_at_once_read_the_file_together(tmp_path: Path, time: Time) -> None:
    path = tmp_path / "token"
    path.write_text("one")
    source = TokenFile(path, now=time)

    assert set(await asyncio.gather(*(token(source) for _ in range(5)))) == {"one"}


async def test_a_plugin_runs_again_shortly_before_its_token_ends(
    source: PluginIdentity, time: Time
) -> None:
    assert await token(source) == "token-1"
    time.passes(539)
    assert await token(source) == "token-1"
    time.passes(1)
    assert await token(source) == "token-2"


async def test_a_short_life_is_used_for_most_of_it(plugin: FakePlugin, time: Time) -> None:
    plugin.life = 10.0
    source = PluginIdentity(plugin, now=time)
    await token(source)
    time.passes(7)
    assert await token(source) == "token-1"
    time.passes(1)
    assert await token(source) == "token-2"


async def test_a_token_without_end_is_kept_until_it_is_refused(
    plugin: FakePlugin, source: PluginIdentity, time: Time
) -> None:
    plugin.life = None
    await token(source)
    time.passes(10**7)
    assert await token(source) == "token-1"
    assert await token(source, refresh=True) == "token-2"


async def test_many_who_ask_at_once_run_the_plugin_once(
    plugin: FakePlugin, source: PluginIdentity
) -> None:
    assert set(await asyncio.gather(*(token(source) for _ in range(9)))) == {"token-1"}
    refused = await asyncio.gather(*(token(source, refresh=True) for _ in range(9)))

    assert set(refused) == {"token-2"}
    assert plugin.runs == 2


async def test_a_failing_renewal_keeps_a_token_that_is_still_good(
    plugin: FakePlugin, source: PluginIdentity, time: Time
) -> None:
    await token(source)
    plugin.is_broken = True
    time.passes(550)
    assert await token(source) == "token-1"

    time.passes(51)
    with pytest.raises(TransportError, match="no credentials: broken"):
        await token(source)
    plugin.is_broken = False
    time.passes(5)
    assert await token(source) == "token-4"


async def test_a_failing_plugin_is_not_run_for_everybody_who_waits(
    plugin: FakePlugin, source: PluginIdentity, time: Time
) -> None:
    plugin.is_broken = True
    results = await asyncio.gather(
        *(token(source) for _ in range(9)), return_exceptions=True
    )  # fmt: skip
    assert {type(result) for result in results} == {TransportError}
    assert plugin.runs == 1

    time.passes(5)
    plugin.is_broken = False
    assert await token(source) == "token-2"


async def test_a_refused_token_is_not_kept_when_the_renewal_fails(
    plugin: FakePlugin, source: PluginIdentity
) -> None:
    await token(source)
    plugin.is_broken = True

    with pytest.raises(TransportError, match="no credentials"):
        await token(source, refresh=True)
