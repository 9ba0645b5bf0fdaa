"""What a running Prometheus and Alertmanager make of faults: ``python -m tests.prove [FACTOR [FAULT …]]``.

Exporters, Prometheus and Alertmanager are real, the cloud is simulated, and the clock runs faster: every span of the
rules and of the routing, the exporters' intervals and Prometheus' look-back are divided by one factor. All faults
strike at once. Each has a job of its own, so that no alert is grouped with that of another fault.
"""
