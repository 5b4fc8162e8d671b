"""Small models of a cluster's own controllers, for operators before an API server in memory.

In flow changes of that server; out flows what Kubernetes or COSI would make of them, as far as an
operator of Deployments, Services, volumes and buckets can see. They write only what changed, so
that a world at rest stays at rest.
"""

from registry_operator.testing.cluster_model.cosi import CosiModel
from registry_operator.testing.cluster_model.model import ClusterModel
from registry_operator.testing.cluster_model.volumes import VolumeModel

__all__ = ["ClusterModel", "CosiModel", "VolumeModel"]
