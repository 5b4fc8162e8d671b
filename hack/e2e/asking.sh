# asking.sh ADDRESS REPOSITORY TAG: what the client's pod runs to ask for a manifest, as four clients do, until /tmp/stop
# is there. Whether it is given is for the registry to count. `story asking` starts it.
type=application/vnd.docker.distribution.manifest.v2+json
ask() {
  while [ ! -e /tmp/stop ]; do wget -q -O /dev/null --header "Accept: $type" "$1" 2>/dev/null || sleep 0.1; done
}
for _ in 1 2 3 4; do ask "http://$1/v2/$2/manifests/$3" & done
wait
echo done
