# pulling.sh ADDRESS REPOSITORY TAG PATIENCE: what the client's pod runs to pull an image again and again, until /tmp/stop
# is there, and twenty times at least. Every request is made once, and has PATIENCE seconds: crane would try again and
# hide what failed. What fails is told to stderr, by the second in which it began, and in the end one line to stdout.
# `story pulling` starts it.
repository=http://$1/v2/$2
patience=$4
type=application/vnd.docker.distribution.manifest.v2+json
get() { busybox timeout "$patience" wget -q -O - --header "Accept: $type" "$repository/$1"; }
sum() { sum=$(sha256sum); echo "${sum%% *}"; }
# is PATH SUM: what is there now is what was there before.
is() {
  began=$(date +%s)
  found=$(get "$1" | sum)
  [ "$found" = "$2" ] || echo "began $began, ended $(date +%s): $1 is $found" >&2
}

manifest=$(get "manifests/$3" | sum)
blobs=$(get "manifests/$3" | busybox grep -o 'sha256:[0-9a-f]*')
[ -n "$blobs" ] || { echo "there is no image $2:$3" >&2; exit 1; }
pulls=0
while [ ! -e /tmp/stop ] || [ "$pulls" -lt 20 ]; do
  is "manifests/$3" "$manifest"
  for blob in $blobs; do is "blobs/$blob" "${blob#sha256:}"; done
  pulls=$((pulls + 1))
  sleep 0.1
done
echo "$pulls pulls of $(echo $blobs | busybox wc -w) blobs and a manifest"
