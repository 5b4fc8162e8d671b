"""A whole run of stories: cluster, operator, phases, and the proof of rights at the end.

In flow stories; out flow reports and verdicts. The phases run one after the other in one cluster;
within the phase TOGETHER stories run side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hack.cluster.audit import AuditLog
from hack.cluster.cluster import Cluster, take_down
from hack.cluster.home import names
from hack.cluster.report import Say, to_stderr
from hack.cluster.tools import FAMILY_OF, Toolbox
from hack.e2e import installation
from hack.e2e.chainsaw import Chainsaw
from hack.e2e.report import Verdict
from hack.e2e.rights import Right, forbidden, unused
from hack.e2e.story import Phase, Story, stories
from hack.images.catalogue import image

IMAGES = (
    *("registry:2", "registry:3.1.2", "registry:3.0.0"),
    *("local/client:1", "local/broken:1", "local/failing:3.1.2"),
)


@contextmanager
def full_cluster(name: str, *, keep: bool, say: Say = to_stderr) -> Iterator[Cluster]:
    """A full cluster with the images that stories use; taken down at the end, whatever happens.

    COSI is not in it yet, but can be added without anything being built.
    With `keep` it is left running, and found again by the next run.
    """
    if name in names() and not keep:
        take_down(name)

    tars = [image(tag, say=say) for tag in IMAGES]
    Toolbox(say=say).ensure(FAMILY_OF["cosi-sidecar"].tools)
    try:
        yield Cluster.up(
            name,
            profile="full",
            nodes=2,
            s3=True,
            volumes=True,
            audit=True,
            apiserver_args=[installation.ADMISSION],
            images=tars,
            say=say,
        )
    finally:
        if keep:
            say(f"kept: python -m hack.cluster down {name} takes it down")
        else:
            say(f"taking cluster {name} down")
            take_down(name)


@dataclass
class Run:
    """A run of `stories` in `cluster`; reports and verdicts gather here."""

    cluster: Cluster
    chainsaw: Chainsaw
    stories: Sequence[Story]
    say: Say = to_stderr
    reports: list[Path] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    _forbidden: set[Right] = field(default_factory=set)

    def everything(self) -> bool:
        """Runs all phases that have stories; returns whether every story passed."""
        log = self.cluster.audit
        begun = log.mark()
        installation.install(self.cluster, say=self.say)
        passed = [self._phase(phase, log) for phase in Phase]
        requests = [r for r in log.requests(since=begun) if r.user == installation.USER]
        self._judge("no request of the operator was forbidden", sorted(self._forbidden))
        if len(self.stories) == len(stories("*")):  # only all of them can be expected to use all
            rights = installation.rights() - installation.USED_BY_ADMISSION
            self._judge("every right of the operator was used", unused(rights, requests))

        return all(passed) and not any(verdict.problem for verdict in self.verdicts)

    def _phase(self, phase: Phase, log: AuditLog) -> bool:
        chosen = [story for story in self.stories if story.phase is phase]
        if phase is not Phase.BEFORE_COSI:
            self.cluster.add_cosi()
        if not chosen:
            return True

        name = phase.name.lower().replace("_", "-")
        self.say(f"stories {name}: {', '.join(story.name for story in chosen)}")
        begun = log.mark()
        parallel = None if phase is Phase.TOGETHER else 1
        code = self.chainsaw.run(chosen, name=name, parallel=parallel)
        self.reports.append(self.chainsaw.report(name))
        if phase is not Phase.UNDER_NARROW_RIGHTS:
            requests = (r for r in log.requests(since=begun) if r.user == installation.USER)
            self._forbidden.update(forbidden(requests))

        return code == 0

    def _judge(self, name: str, rights: Sequence[Right]) -> None:
        problem = ", ".join(map(str, rights))
        self.say(f"{name}: {f'NO: {problem}' if problem else 'yes'}")
        self.verdicts.append(Verdict(name, problem))
