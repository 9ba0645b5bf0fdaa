#!/bin/sh
set -e
# An upgrade says so: dpkg "upgrade", rpm 1.
if [ "$1" = remove ] || [ "$1" = 0 ]; then
  if [ -d /run/systemd/system ]; then
    systemctl disable --now csr-exporter.service csr-exporter-textfile.timer
  fi
  rm -f /opt/csr-exporter/bin/python
  find /opt/csr-exporter/lib -name __pycache__ -prune -exec rm -r {} +
fi
