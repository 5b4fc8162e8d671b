// Package v1alpha1 holds COSI's kinds, and the reasons of the events about them.
package v1alpha1

import api "sigs.k8s.io/container-object-storage-interface-api/apis/objectstorage/v1alpha1"

type (
	Bucket       = api.Bucket
	BucketAccess = api.BucketAccess
	BucketClaim  = api.BucketClaim
	BucketClass  = api.BucketClass
	BucketList   = api.BucketList
	Protocol     = api.Protocol
)

const (
	AuthenticationTypeIAM = api.AuthenticationTypeIAM
	AuthenticationTypeKey = api.AuthenticationTypeKey
	DeletionPolicyDelete  = api.DeletionPolicyDelete
)

const (
	FailedCreateBucket = "FailedCreateBucket"
	FailedDeleteBucket = "FailedDeleteBucket"
	FailedGrantAccess  = "FailedGrantAccess"
	FailedRevokeAccess = "FailedRevokeAccess"
	WaitingForBucket   = "WaitingForBucket"
)
