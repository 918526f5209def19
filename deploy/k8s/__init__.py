"""Kubernetes: kustomize's base, components and overlays (operating.md, "Kubernetes")."""
