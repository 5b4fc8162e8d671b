// Package runtime runs listeners on COSI's kinds.
package runtime

import (
	"time"

	"github.com/spf13/viper"
	core "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/container-object-storage-interface-api/client/clientset/versioned"
	"sigs.k8s.io/container-object-storage-interface-api/client/clientset/versioned/scheme"
	"sigs.k8s.io/container-object-storage-interface-api/controller"
)

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 30 * time.Second
	// With client-go's default of 5 requests a second, five claims at once last 17 s, and the
	// controller, held back between two requests, overwrites what the sidecar said of a claim.
	requestsPerSecond = 100
	requestsAtOnce    = 200
)

// ObjectStorageController gives its listeners a recorder, without which none of them tells an event.
type ObjectStorageController struct {
	*controller.ObjectStorageController
	recorder record.EventRecorder
}

type hasRecorder interface {
	InitializeEventRecorder(record.EventRecorder)
}

// NewDefaultObjectStorageController speaks to the API server of the flag --kubeconfig.
func NewDefaultObjectStorageController(identity, lock string, threads int) (*ObjectStorageController, error) {
	config, err := clientcmd.BuildConfigFromFlags("", viper.GetString("kubeconfig"))
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = requestsPerSecond, requestsAtOnce

	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	buckets, err := versioned.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	limiter := workqueue.NewItemExponentialFailureRateLimiter(firstRetry, lastRetry)
	base, err := controller.NewObjectStorageControllerWithClientset(identity, lock, threads, limiter, kube, buckets)
	if err != nil {
		return nil, err
	}

	return &ObjectStorageController{base, newRecorder(kube, lock)}, nil
}

// AddBucketListener gives listener a recorder, and every Bucket.
func (c *ObjectStorageController) AddBucketListener(listener controller.BucketListener) {
	c.introduce(listener)
	c.ObjectStorageController.AddBucketListener(listener)
}

// AddBucketClaimListener gives listener a recorder, and every BucketClaim.
func (c *ObjectStorageController) AddBucketClaimListener(listener controller.BucketClaimListener) {
	c.introduce(listener)
	c.ObjectStorageController.AddBucketClaimListener(listener)
}

// AddBucketAccessListener gives listener a recorder, and every BucketAccess.
func (c *ObjectStorageController) AddBucketAccessListener(listener controller.BucketAccessListener) {
	c.introduce(listener)
	c.ObjectStorageController.AddBucketAccessListener(listener)
}

func (c *ObjectStorageController) introduce(listener any) {
	if wants, ok := listener.(hasRecorder); ok {
		wants.InitializeEventRecorder(c.recorder)
	}
}

func newRecorder(client kubernetes.Interface, component string) record.EventRecorder {
	broadcaster := record.NewBroadcaster()
	broadcaster.StartRecordingToSink(&corev1.EventSinkImpl{Interface: client.CoreV1().Events("")})

	return broadcaster.NewRecorder(scheme.Scheme, core.EventSource{Component: component})
}
