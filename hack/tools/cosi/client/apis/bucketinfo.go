// Package cosiapi holds what a credentials Secret says of a bucket.
package cosiapi

import api "sigs.k8s.io/container-object-storage-interface-api/apis"

type (
	BucketInfo     = api.BucketInfo
	BucketInfoSpec = api.BucketInfoSpec
	SecretS3       = api.SecretS3
	SecretAzure    = api.SecretAzure
)
