// The CustomResourceDefinitions of COSI v1alpha1: data, nothing of it is compiled. See hack/e2e/cosi.py.
module tools/cosi-crds

go 1.26.0

require sigs.k8s.io/container-object-storage-interface-api v0.1.0
