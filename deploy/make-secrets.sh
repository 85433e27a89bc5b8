#!/bin/sh
# Makes deploy/secrets/mayfly.json, which compose.yaml gives to each node: the cluster's secret and two tokens.
set -eu
umask 077
folder=${1:-"$(dirname "$0")/secrets"}
file=$folder/mayfly.json
if [ -e "$file" ]; then
  echo "$file is there already; delete it first if you want new secrets" >&2
  exit 1
fi
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
mkdir -p "$folder"
cat >"$file" <<END
{
  "cluster_secret": "$(random)",
  "tokens": {
    "$(random)": "demo",
    "$(random)": { "role": "operator" }
  }
}
END
# The node's user reads the file inside its container; outside, the folder keeps everybody else away from it.
chmod 644 "$file"
echo "$file"
