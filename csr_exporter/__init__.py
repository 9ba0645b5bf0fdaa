"""Prometheus exporter for the certificate signing requests in Huawei Cloud SSL Certificate Manager."""

__version__ = "0.1.0"
