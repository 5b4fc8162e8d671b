from dataclasses import replace

from controllers.registry.configuration import Configuration
from controllers.registry.inputs import Credentials, RegistryInputs
from controllers.registry.planner import Planner
from controllers.registry.sharing import Neighbour
from registry_operator.api.registry import Registry
from registry_operator.runtime.outcome import Blocked, Stalled
from registry_operator.testing.builders import S3, a_registry, an_object

BUCKET = {"s3": {"bucket": "images"}}


def a_snapshot(planner: Planner, **fields: object) -> RegistryInputs:
    body = a_registry(**fields)  # type: ignore[arg-type] # what a_registry takes, handed through
    spec = Registry.model_validate(body).spec
    return RegistryInputs(owner=an_object(body), spec=spec, planner=planner.plan)


def test_a_plan_is_made_once_while_the_specification_stays() -> None:
    planner = Planner()
    first, again = a_snapshot(planner), a_snapshot(planner, metadata={"labels": {"a": "b"}})

    assert isinstance(first.configuration, Configuration)
    assert again.configuration is first.configuration


def test_a_changed_specification_is_planned_anew() -> None:
    planner = Planner()
    first = a_snapshot(planner)
    other = a_snapshot(planner, config={"log": {"level": "debug"}})

    assert isinstance(first.configuration, Configuration)
    assert isinstance(other.configuration, Configuration)
    assert other.configuration.secret_name != first.configuration.secret_name


def test_credentials_that_came_are_planned_with() -> None:
    planner = Planner()
    waiting = a_snapshot(planner, storage=S3)
    secret = an_object(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "s3-keys", "namespace": "team-a"},
            "data": {"accessKey": "YQ==", "secretKey": "Yg=="},
        }
    )
    held = Credentials(known=True, secrets={"s3-keys": secret})
    supplied = replace(waiting, credentials=held)

    assert isinstance(waiting.configuration, Blocked)
    assert isinstance(supplied.configuration, Configuration)


def test_one_made_anew_under_its_name_is_planned_for_its_own_age() -> None:
    planner = Planner()
    other = a_registry("other", storage=BUCKET, metadata={"creationTimestamp": _stamp(2)})
    neighbours = (Neighbour(an_object(other), is_there=False),)
    older, younger = (
        replace(
            a_snapshot(
                planner, storage=BUCKET, metadata={"uid": uid, "creationTimestamp": _stamp(second)}
            ),
            neighbours=neighbours,
        )
        for uid, second in (("one", 1), ("two", 3))
    )

    assert isinstance(older.configuration, Configuration)
    assert isinstance(younger.configuration, Stalled)


def _stamp(second: int) -> str:
    return f"2026-01-01T00:00:0{second}Z"


def test_a_registry_that_is_gone_is_forgotten() -> None:
    planner = Planner()
    first = a_snapshot(planner)
    plan = first.configuration

    planner.forget(first.owner.key)

    assert a_snapshot(planner).configuration is not plan
