"""The local cluster's provisioner of volumes: folders of this machine, for claims that ask."""
