// Stands in for the published sigs.k8s.io/container-object-storage-interface/client v0.2.2,
// which does not verify: names of the older -api module, which has the same kinds and client.
module sigs.k8s.io/container-object-storage-interface/client

go 1.24.2

require (
	sigs.k8s.io/container-object-storage-interface-api v0.1.0
	sigs.k8s.io/container-object-storage-interface-provisioner-sidecar v0.1.0
)
