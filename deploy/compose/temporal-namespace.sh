#!/bin/sh
# The namespace, how long it keeps closed runs, and the search attributes that a worker asks for.
# Safe to run again: it brings what is there up to date.
set -eu
: "${TEMPORAL_NAMESPACE:?}" "${RETENTION:?}"

attributes() {
  printf '%s\n' AtlasSource=Keyword AtlasTrigger=Keyword AtlasOutcome=Keyword AtlasDocsChanged=Int
}

# The whole word: what does not serve says NOT_SERVING.
tries=0
until temporal operator cluster health | grep -qx SERVING; do
  tries=$((tries + 1))
  [ "$tries" -lt 120 ] || { echo "Temporal at ${TEMPORAL_ADDRESS:-127.0.0.1:7233} does not serve" >&2; exit 1; }
  sleep 1
done

if temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
  temporal operator namespace update --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
else
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
fi

# A namespace is known to all parts of the server only some seconds after it was made.
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
  # shellcheck disable=SC2086 # flags and their values are words of their own
  [ -z "$missing" ] || temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" $missing >/dev/null 2>&1 || :
  sleep 1
done
echo "namespace $TEMPORAL_NAMESPACE: after $attempt tries still missing:$missing" >&2
exit 1
