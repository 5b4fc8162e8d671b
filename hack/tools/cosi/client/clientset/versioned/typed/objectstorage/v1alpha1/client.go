// Package v1alpha1 holds the client of each of COSI's kinds.
package v1alpha1

import api "sigs.k8s.io/container-object-storage-interface-api/client/clientset/versioned/typed/objectstorage/v1alpha1"

type (
	BucketInterface            = api.BucketInterface
	BucketAccessInterface      = api.BucketAccessInterface
	BucketAccessClassInterface = api.BucketAccessClassInterface
	BucketClaimInterface       = api.BucketClaimInterface
	BucketClassInterface       = api.BucketClassInterface
)
