// Package versioned holds the client of COSI's kinds.
package versioned

import api "sigs.k8s.io/container-object-storage-interface-api/client/clientset/versioned"

type Interface = api.Interface
