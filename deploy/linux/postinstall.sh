#!/bin/sh
set -e
systemd-sysusers csr-exporter.conf
# The first Python that is new enough: on RHEL 9 that is not python3.
for python in python3 python3.14 python3.13 python3.12 python3.11; do
  if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    ln -sfn "$(command -v "$python")" /opt/csr-exporter/bin/python
    break
  fi
done
# Nothing can be written later, and without bytecode the start takes seconds.
/opt/csr-exporter/bin/python -m compileall -q -f /opt/csr-exporter/lib/site-packages
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl try-restart csr-exporter.service
fi
