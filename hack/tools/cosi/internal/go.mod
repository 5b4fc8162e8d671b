// Stands in for sigs.k8s.io/container-object-storage-interface/internal, which was never
// published: the older -api module's runtime, with events.
module sigs.k8s.io/container-object-storage-interface/internal

go 1.24.2

require (
	sigs.k8s.io/container-object-storage-interface-api v0.1.0
	k8s.io/api v0.26.15
	k8s.io/client-go v0.26.15
)
