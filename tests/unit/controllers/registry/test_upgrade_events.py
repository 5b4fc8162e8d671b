"""Each turn of a change of the pods is told once, with from and to."""

from typing import Any

import pytest

from controllers.registry.inputs import RegistryInputs
from controllers.registry.upgrade_events import Turn, tells, turned
from tests.unit.controllers.registry.changing import NEW, OLD, changing, deployed, revision_of

DEBUG = {"log": {"level": "debug"}}


def change(phase: str, **said: Any) -> dict[str, Any]:
    told = {
        "phase": phase,
        "fromImage": OLD,
        "toImage": NEW,
        "fromRevision": revision_of(OLD),
        "revision": revision_of(NEW),
        "changes": ["image"],
        "message": "why it is so",
    }
    return {"upgrade": {**told, **said}}


def begun(phase: str, **said: Any) -> Turn:
    found = turned(changing(), {}, change(phase, **said))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("phase", "type_", "reason"),
    [
        ("Canary", "Normal", "CanaryRunning"),
        ("Rolling", "Normal", "RollingOut"),
        ("RollingBack", "Warning", "RollingBack"),
        ("RolledBack", "Warning", "UpgradeFailed"),
        ("Refused", "Warning", "UpgradeRefused"),
        ("Paused", "Warning", "UpgradePaused"),
        ("Aborted", "Warning", "UpgradeAborted"),
    ],
)
def test_a_phase_is_told_when_it_begins(phase: str, type_: str, reason: str) -> None:
    found = begun(phase)

    assert (found.type, found.reason, found.action) == (type_, reason, phase)
    assert found.note == f"{phase}: from {OLD} to {NEW} (image); why it is so"


def test_where_the_image_stays_revisions_are_told_and_what_changes() -> None:
    told = {"toImage": OLD, "fromRevision": "aaa", "revision": "bbb"}
    found = begun("Canary", **told, changes=["configuration", "resources"])

    assert "from aaa to bbb (configuration, resources)" in found.note


def test_what_nobody_holds_any_more_is_said_not_to_be_known() -> None:
    after = change("Rolling")
    for name in ("fromImage", "fromRevision", "changes"):
        del after["upgrade"][name]
    found = turned(changing(), {}, after)

    assert found is not None
    assert f"from what is not known any more to {NEW};" in found.note


def test_a_phase_that_lasts_is_not_told_again_and_another_change_is() -> None:
    later = change("Canary", message="another word", since="later")
    assert turned(changing(), change("Canary"), later) is None
    assert turned(changing(), change("Canary"), change("Canary", revision="ccc")) is not None
    assert turned(changing(), change("Canary"), change("Rolling")) is not None


def made() -> RegistryInputs:
    return changing(NEW, deployment=deployed(NEW))


def test_the_end_is_told_once_all_pods_are_what_was_wanted() -> None:
    found = turned(made(), change("Rolling"), {})

    assert found is not None
    assert (found.type, found.reason, found.ends_well) == ("Normal", "Upgraded", True)
    assert found.note == f"Upgraded: from {OLD} to {NEW} (image); all pods are new"
    assert turned(made(), {}, {}) is None


def test_a_change_that_is_not_wanted_any_more_was_no_success() -> None:
    found = turned(changing(OLD), change("RolledBack"), {})

    assert found is not None
    assert (found.reason, found.ends_well) == ("UpgradeWithdrawn", False)


def test_what_is_held_has_not_come_to_an_end() -> None:
    assert turned(changing(NEW), change("Rolling"), {}) is None


def test_a_reason_of_ready_that_is_the_phases_own_is_told_by_the_phase() -> None:
    assert tells(change("RolledBack"), "UpgradeFailed")
    assert not tells(change("RolledBack"), "QuotaExceeded")
    assert not tells({}, "RollingOut")
