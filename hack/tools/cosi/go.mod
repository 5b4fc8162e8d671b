// COSI's controller and provisioner sidecar. Two modules that they need can't be had, and have
// stand-ins here, over the older -api module; it does not compile with newer Kubernetes modules.
module tools/cosi

go 1.26.0

toolchain go1.26.8

require (
	sigs.k8s.io/container-object-storage-interface v0.2.2
	sigs.k8s.io/container-object-storage-interface-api v0.1.0
	sigs.k8s.io/container-object-storage-interface-provisioner-sidecar v0.1.0
	sigs.k8s.io/container-object-storage-interface/proto v0.2.2
)

require (
	github.com/golang/groupcache v0.0.0-20210331224755-41bb18bfe9da // indirect
	github.com/google/gnostic v0.5.7-v3refs // indirect
	github.com/imdario/mergo v0.3.12 // indirect
	google.golang.org/genproto v0.0.0-20230526161137-0005af68ea54 // indirect
)

replace (
	sigs.k8s.io/container-object-storage-interface/client => ./client
	sigs.k8s.io/container-object-storage-interface/internal => ./internal
	sigs.k8s.io/container-object-storage-interface/proto => sigs.k8s.io/container-object-storage-interface/proto v0.2.2
	k8s.io/api => k8s.io/api v0.26.15
	k8s.io/apimachinery => k8s.io/apimachinery v0.26.15
	k8s.io/client-go => k8s.io/client-go v0.26.15
	k8s.io/kube-openapi => k8s.io/kube-openapi v0.0.0-20221012153701-172d655c2280
	sigs.k8s.io/controller-runtime => sigs.k8s.io/controller-runtime v0.14.7
)
