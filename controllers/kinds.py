"""The kinds that the operator reads and writes, as the API server's discovery names them.

One place, so that caches, reconcilers and the generated ClusterRole speak of the same resources.
"""

from registry_operator.api.names import GROUP, VERSION
from registry_operator.kube.resource import Resource

REGISTRY = Resource(GROUP, VERSION, "Registry", "registries")
REGISTRY_TEMPLATE = Resource(
    GROUP, VERSION, "RegistryTemplate", "registrytemplates", namespaced=False
)

DEPLOYMENT = Resource("apps", "v1", "Deployment", "deployments")
REPLICA_SET = Resource("apps", "v1", "ReplicaSet", "replicasets")
POD = Resource("", "v1", "Pod", "pods")
PERSISTENT_VOLUME_CLAIM = Resource("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
CONFIG_MAP = Resource("", "v1", "ConfigMap", "configmaps")
SECRET = Resource("", "v1", "Secret", "secrets")
SERVICE = Resource("", "v1", "Service", "services")
SERVICE_ACCOUNT = Resource("", "v1", "ServiceAccount", "serviceaccounts")
POD_DISRUPTION_BUDGET = Resource("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
AUTOSCALER = Resource("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
ENDPOINT_SLICE = Resource("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices")

BUCKET_CLAIM = Resource("objectstorage.k8s.io", "v1alpha1", "BucketClaim", "bucketclaims")
BUCKET_ACCESS = Resource("objectstorage.k8s.io", "v1alpha1", "BucketAccess", "bucketaccesses")
BUCKET = Resource("objectstorage.k8s.io", "v1alpha1", "Bucket", "buckets", namespaced=False)
