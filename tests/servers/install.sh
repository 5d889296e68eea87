#!/usr/bin/env bash
# Installs from Debian what the tests on real servers need: Ceph's S3 gateway and PostgreSQL (about 100 MB).
set -euo pipefail
missing=()
command -v radosgw > /dev/null || missing+=(radosgw ceph-mon ceph-osd)
compgen -G '/usr/lib/postgresql/*/bin/initdb' > /dev/null || missing+=(postgresql)
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get > /dev/null || { echo "Needs ${missing[*]}; install them with your system's package manager."; exit 1; }
  echo "Installing ${missing[*]} ..."
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
fi
