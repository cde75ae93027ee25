#!/bin/sh
# The namespace, its retention of closed runs, and the search attributes that a worker needs.
# Safe to run again: it updates what exists.
set -eu
: "${TEMPORAL_NAMESPACE:?}" "${RETENTION:?}"

attributes() {
  printf '%s\n' AtlasSource=Keyword AtlasTrigger=Keyword AtlasOutcome=Keyword AtlasDocsChanged=Int
}

# The whole word, since the opposite is NOT_SERVING.
tries=0
until temporal operator cluster health | grep -qx SERVING; do
  tries=$((tries + 1))
  [ "$tries" -lt 120 ] || { echo "Temporal at ${TEMPORAL_ADDRESS:-127.0.0.1:7233} is not serving" >&2; exit 1; }
  sleep 1
done

if temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
  temporal operator namespace update --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
else
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
fi

# All parts of the server know a namespace only some seconds after its creation.
for attempt in $(seq 60); do
  present=$(temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE" -o json 2>/dev/null) || present=
  missing=
  for each in $(attributes); do
    case "$present" in *"\"${each%=*}\""*) ;; *) missing="$missing --name ${each%=*} --type ${each#*=}" ;; esac
  done
  if [ -n "$present" ] && [ -z "$missing" ]; then
    echo "namespace $TEMPORAL_NAMESPACE: retention $RETENTION, all search attributes"
    exit 0
  fi
  # shellcheck disable=SC2086 # flags and their values are separate words
  [ -z "$missing" ] || temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" $missing >/dev/null 2>&1 || :
  sleep 1
done
echo "namespace $TEMPORAL_NAMESPACE: after $attempt tries still missing:$missing" >&2
exit 1
