"""Writes the manifests for kustomize from the chart, so that the two cannot differ."""
