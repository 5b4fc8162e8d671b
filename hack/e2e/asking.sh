# asking.sh ADDRESS REPOSITORY TAG: what the client's pod runs to ask for a manifest, as four clients do that ask twenty
# times by each connection, until /tmp/stop is there. Whether it is given is for the registry to count. `story asking`
# starts it.
asked="GET /v2/$2/manifests/$3 HTTP/1.1\r\nHost: registry\r\nAccept: application/vnd.docker.distribution.manifest.v2+json\r\n"
for _ in $(seq 1 19); do printf "$asked\r\n"; done >/tmp/requests
printf "${asked}Connection: close\r\n\r\n" >>/tmp/requests
ask() {
  # A pipe that stays open: who closes his side early has the registry give up what it is asked for.
  busybox mkfifo "/tmp/pipe-$2"
  exec 3<>"/tmp/pipe-$2"
  while [ ! -e /tmp/stop ]; do
    cat /tmp/requests >&3
    nc "${1%:*}" "${1##*:}" <&3 >/dev/null 2>&1
    sleep 0.3
  done
}
for number in 1 2 3 4; do ask "$1" "$number" & done
wait
echo done
