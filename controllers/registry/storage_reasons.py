"""Reasons that speak of storage: buckets, credentials, certificates, places, and their changes.

A part of the one table in reasons.py.
"""

from controllers.registry.reason import Gravity, Reason

STORAGE: tuple[Reason, ...] = (
    Reason(
        "StorageConfigured",
        "The storage is known; no pod has confirmed it yet.",
        gravity=Gravity.STATE,
    ),
    Reason("StorageInUse", "Pods serve from this storage.", gravity=Gravity.STATE),
    Reason(
        "EphemeralStorage",
        "Images are in an emptyDir or an ephemeral volume and are lost with the pod.",
        "For trying only; use a bucket or a claim to keep images.",
        gravity=Gravity.STATE,
    ),
    Reason(
        "StorageNotSpecified",
        "No storage is named.",
        "Set bucketClassName or bucketClaimName with bucketAccessClass, s3, gcs, azure, a volume.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "ReplicasNeedSharedStorage",
        "Several replicas on storage that pods do not share.",
        "One replica, or a bucket, or a ReadWriteMany volume with shareVolume.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "MigrationRequired",
        "The storage that is asked for is another than the one that holds the images. What runs "
        "goes on unchanged.",
        "Change it back, or copy the images to another Registry: the message names the ways.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "AccessClassChanged",
        "The BucketAccess was made by another class than the one that is asked for.",
        "Change the class back, or delete the BucketAccess.",
        gravity=Gravity.STALL,
    ),
    Reason("SecretNotRead", "The Secret with the credentials is being read.", gravity=Gravity.WAIT),
    Reason(
        "SecretUnreadable",
        "The API server refuses to show the Secret.",
        "Grant the operator the right that the message names; tried again by itself.",
    ),
    Reason(
        "SecretNotFound",
        "The Secret that is referred to does not exist.",
        "Create it in the Registry's namespace, or correct the name.",
    ),
    Reason(
        "SecretIncomplete",
        "The Secret lacks a key, or its value is empty.",
        "Add the key that the message names, or name the right keys.",
    ),
    Reason(
        "SecretInvalid",
        "What a Secret holds is no bucket's name, no region or no URL of a store.",
        "Correct the value under the key that the message names, or name the right key.",
    ),
    Reason(
        "BucketShared",
        "An older Registry writes to the same folder of the same bucket.",
        "Set the folder that the message names to one of its own, or let one of them only read.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "CaBundleNotRead",
        "The ConfigMap or Secret of caBundle is being read.",
        gravity=Gravity.WAIT,
    ),
    Reason(
        "CaBundleUnreadable",
        "The API server refuses to show the ConfigMap or Secret of caBundle.",
        "Grant the operator the right that the message names; tried again by itself.",
    ),
    Reason(
        "CaBundleNotFound",
        "The ConfigMap or Secret of caBundle does not exist.",
        "Create it in the Registry's namespace, or correct the name.",
    ),
    Reason(
        "CaBundleInvalid",
        "What caBundle names holds no certificate.",
        "Put certificates there as PEM, or name the right key.",
    ),
    Reason(
        "CosiNotInstalled",
        "The cluster does not serve the COSI kinds.",
        "Install COSI, or use storage.s3.",
    ),
    Reason(
        "BucketNotReady",
        "The BucketClaim has no bucket yet.",
        "If it lasts: check the BucketClass, its driver and the events of the claim.",
        gravity=Gravity.WAIT,
        for_others=True,
    ),
    Reason(
        "BucketClaimNotFound",
        "There is no BucketClaim of the name in bucketClaimName.",
        "Create it in the Registry's namespace, or correct the name.",
    ),
    Reason(
        "BucketClaimTerminating",
        "The BucketClaim is being deleted, and the bucket with it where its class says so.",
        "Save the images while pods serve them, or let it go; an own claim is then made anew.",
    ),
    Reason(
        "BucketClaimStuck",
        "The BucketClaim is not ready though its bucket is: COSI's controller has lost that.",
        "The operator mends its own claims within minutes; for others the message has the command.",
    ),
    Reason(
        "BucketProtocolUnsupported",
        "The BucketClaim in bucketClaimName is for another protocol than S3.",
        "Name a claim whose protocols have S3.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "DeletionStuck",
        "A BucketAccess or BucketClaim is being deleted for minutes, and finalizers hold it.",
        "See the driver; if bucket or claim are gone for good, the message has the command.",
    ),
    Reason(
        "AccessNotGranted",
        "The BucketAccess has no credentials yet.",
        "If it lasts: check the BucketAccessClass and the events of the access.",
        gravity=Gravity.WAIT,
        for_others=True,
    ),
    Reason(
        "BucketInfoInvalid",
        "COSI's Secret describes no S3 bucket with keys.",
        "Use classes of a driver for protocol S3 and authentication Key.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "CredentialsRejected",
        "The store refuses the credentials.",
        "Correct the Secret; pods are rolled when it changes.",
    ),
    Reason(
        "BucketNotFound", "The store has no such bucket.", "Create the bucket, or correct its name."
    ),
    Reason(
        "CertificateUntrusted",
        "The registry does not trust the certificate of the store.",
        "Name its authority in caBundle, if it is that and not its name or date.",
    ),
    Reason(
        "StorageUnreachable",
        "The registry can't reach the store.",
        "Check the endpoint, DNS, network policies and the store.",
    ),
    Reason(
        "StorageFailing",
        "The registry's own storage check fails.",
        "See what it says, and the pods' logs.",
    ),
)
