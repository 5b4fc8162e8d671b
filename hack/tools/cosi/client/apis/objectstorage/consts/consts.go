// Package consts holds the names that the sidecar uses in objects and credentials, and its errors.
package consts

import (
	"errors"

	api "sigs.k8s.io/container-object-storage-interface-provisioner-sidecar/pkg/consts"
)

const (
	AccountNamePrefix = api.AccountNamePrefix
	BucketInfoPrefix  = api.BucketInfoPrefix

	BABucketFinalizer = api.BABucketFinalizer
	BAFinalizer       = api.BAFinalizer
	BCFinalizer       = api.BCFinalizer
	BucketFinalizer   = api.BucketFinalizer
	SecretFinalizer   = api.SecretFinalizer

	S3Key                      = api.S3Key
	S3Endpoint                 = "endpoint"
	S3Region                   = "region"
	S3SecretAccessKeyID        = api.S3SecretAccessKeyID
	S3SecretAccessSecretKey    = api.S3SecretAccessSecretKey
	AzureKey                   = api.AzureKey
	AzureSecretAccessToken     = api.AzureSecretAccessToken
	AzureSecretExpiryTimeStamp = api.AzureSecretExpiryTimeStamp
	DefaultTimeFormat          = api.DefaultTimeFormat
)

var (
	ErrBucketInfoConversionFailed  = errors.New("the bucket's information is not JSON")
	ErrEmptyBucketID               = errors.New("the driver gave the bucket no ID")
	ErrInternal                    = errors.New("the driver gave no answer")
	ErrInvalidBucketState          = errors.New("the bucket is not ready")
	ErrInvalidCredentials          = errors.New("the driver gave no credentials of exactly one protocol")
	ErrUndefinedAccountID          = errors.New("the driver gave the account no ID")
	ErrUndefinedBucketClassName    = errors.New("no bucket class is named")
	ErrUndefinedSecretName         = errors.New("no Secret for the credentials is named")
	ErrUndefinedServiceAccountName = errors.New("no service account is named")
)
