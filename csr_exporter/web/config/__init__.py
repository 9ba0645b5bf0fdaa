"""The web configuration: TLS, users, headers and rate, in the format of Prometheus' exporter-toolkit."""

from csr_exporter.web.config.in_force import InForce, WebConfigFile, read_web_config
from csr_exporter.web.config.model import WebConfig
from csr_exporter.web.config.users import Users, credentials_in

__all__ = ["InForce", "Users", "WebConfig", "WebConfigFile", "credentials_in", "read_web_config"]
