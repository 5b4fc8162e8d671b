"""An API server in memory, for tests of whole controllers in virtual time: see `FakeApi`."""

from registry_operator.testing.fake_api.catalogue import Declaration
from registry_operator.testing.fake_api.faults import Fault
from registry_operator.testing.fake_api.server import FakeApi
from registry_operator.testing.fake_api.storage import Change

__all__ = ["Change", "Declaration", "FakeApi", "Fault"]
