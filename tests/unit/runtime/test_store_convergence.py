"""Any interleaving of writes, watch events and lists: own writes are seen, and the end is the truth.

A server in a few lines is the model: one counter of versions, a journal, a watch that lags as far
as hypothesis likes, and lists that are applied later than they were taken.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from registry_operator.kube.object import Object
from registry_operator.runtime.index import by_label
from registry_operator.runtime.store import Applied, Change, Store
from tests.unit.runtime.secrets_stage import SECRETS, a_secret, key

NAMES = st.sampled_from(["a", "b"])
TEAMS = st.sampled_from(["blue", "red"])


class AgainstAServer(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.version = 1
        self.uids = 0
        self.server: dict[str, Object] = {}
        self.journal: list[tuple[str, Object]] = []
        self.cursor = 0
        self.snapshot: tuple[list[Object], int, int] | None = None
        self.store = Store(SECRETS, indexes={"team": by_label("team")})
        self.writer = self.store.writer()
        self.told: dict[str, Object] = {}
        self.store.subscribe(self.hear)
        self.writer.replace([], "1")

    def hear(self, change: Change) -> None:
        if isinstance(change, Applied):
            assert self.told.get(change.new.name) == change.old
            self.told[change.new.name] = change.new
        else:
            assert self.told.pop(change.old.name) == change.old

    def change(self, name: str, team: str) -> Object:
        self.version += 1
        old = self.server.get(name)
        self.uids += old is None
        obj = a_secret(
            name, self.version, uid=old.uid if old else f"u{self.uids}", labels={"team": team}
        )
        self.server[name] = obj
        self.journal.append(("applied", obj))
        return obj

    def drop(self, name: str) -> Object:
        self.version += 1
        old = self.server.pop(name)
        self.journal.append(("removed", a_secret(name, self.version, uid=old.uid)))
        return old

    @rule(name=NAMES, team=TEAMS)
    def we_write(self, name: str, team: str) -> None:
        written = self.change(name, team)
        self.store.wrote(written)

        assert self.store.get(key(name)) == written

    @rule(name=NAMES, team=TEAMS)
    def somebody_else_writes(self, name: str, team: str) -> None:
        self.change(name, team)

    @precondition(lambda self: self.server)
    @rule(data=st.data())
    def we_delete(self, data: st.DataObject) -> None:
        gone = self.drop(data.draw(st.sampled_from(sorted(self.server))))
        self.store.deleted(gone.key, gone.uid)

        seen = self.store.get(gone.key)
        assert seen is None or seen.uid != gone.uid

    @precondition(lambda self: self.server)
    @rule(data=st.data())
    def somebody_else_deletes(self, data: st.DataObject) -> None:
        self.drop(data.draw(st.sampled_from(sorted(self.server))))

    @precondition(lambda self: self.cursor < len(self.journal))
    @rule()
    def the_watch_brings_an_event(self) -> None:
        kind, obj = self.journal[self.cursor]
        self.cursor += 1
        (self.writer.upsert if kind == "applied" else self.writer.remove)(obj)

    @rule()
    def a_list_is_taken(self) -> None:
        self.snapshot = (list(self.server.values()), self.version, len(self.journal))

    @precondition(lambda self: self.snapshot is not None and self.snapshot[2] >= self.cursor)
    @rule()
    def the_list_arrives(self) -> None:
        assert self.snapshot is not None
        objects, version, self.cursor = self.snapshot
        self.snapshot = None
        self.writer.replace(objects, str(version))

    @invariant()
    def subscribers_indexes_and_figures_agree_with_reads(self) -> None:
        seen = {obj.name: obj for obj in self.store.list()}
        assert self.told.keys() == seen.keys()
        assert {n: o.resource_version for n, o in self.told.items()} == {
            n: o.resource_version for n, o in seen.items()
        }
        for team in ("blue", "red"):
            found = {obj.name for obj in self.store.by_index("team", team)}
            assert found == {name for name, obj in seen.items() if obj.labels["team"] == team}
        assert self.store.stats().bytes == sum(obj.size for obj in seen.values())

    @invariant()
    def nothing_is_shown_that_the_server_never_had(self) -> None:
        ever = {obj.raw for kind, obj in self.journal if kind == "applied"}
        assert {obj.raw for obj in self.store.list()} <= ever

    def teardown(self) -> None:
        while self.cursor < len(self.journal):
            self.the_watch_brings_an_event()
        assert {obj.name: obj for obj in self.store.list()} == self.server
        assert self.store.stats().pending == 0


def test_a_store_converges_on_the_server_whatever_the_order() -> None:
    run_state_machine_as_test(
        AgainstAServer,
        settings=settings(max_examples=150, stateful_step_count=40, deadline=None),
    )
