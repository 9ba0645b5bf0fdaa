"""The web configuration: TLS, users and headers, in the format of Prometheus' exporter-toolkit."""

from csr_exporter.web.config.active import ActiveConfig, WebConfigFile, read_web_config
from csr_exporter.web.config.tls import ServerTls
from csr_exporter.web.config.users import Users, credentials_in

__all__ = ["ActiveConfig", "ServerTls", "Users", "WebConfigFile", "credentials_in", "read_web_config"]
