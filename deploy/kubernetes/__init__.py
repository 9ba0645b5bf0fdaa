"""Writes the manifests for kustomize from the chart, so that both cannot disagree."""
