"""Alert and recording rules for Prometheus, written by code so that a number stands in one place.

`thresholds` holds the numbers; `hygiene`, `trust`, `access` and `exporter` the alerts; `cases` what promtool has to
find of each. ``python -m deploy.prometheus`` writes all files that follow from them.
"""
