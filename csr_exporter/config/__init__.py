"""The configuration: one frozen model, read from YAML or from the environment, with a sentence for every mistake.

A message names the file, the path of the setting and what was expected, and never the rejected value: it may be a
secret.
"""

from csr_exporter.config.credentials import (
    AkskCredentials,
    AnyCredentials,
    EnvironmentCredentials,
    MetadataCredentials,
    OidcCredentials,
    PasswordCredentials,
    ProfileCredentials,
    Section,
    TokenCredentials,
)
from csr_exporter.config.model import AccountConfig, Config
from csr_exporter.config.reading import ConfigError, config_from_environment, load_yaml, read_config, validated
from csr_exporter.config.settings import (
    NO_PROXY_ADDRESS,
    Duration,
    FilePath,
    Secret,
    SecretUnavailableError,
    encrypted,
    is_proxy_address,
    read_secret_file,
    web_address,
)

__all__ = [
    "NO_PROXY_ADDRESS",
    "AccountConfig",
    "AkskCredentials",
    "AnyCredentials",
    "Config",
    "ConfigError",
    "Duration",
    "EnvironmentCredentials",
    "FilePath",
    "MetadataCredentials",
    "OidcCredentials",
    "PasswordCredentials",
    "ProfileCredentials",
    "Secret",
    "SecretUnavailableError",
    "Section",
    "TokenCredentials",
    "config_from_environment",
    "encrypted",
    "is_proxy_address",
    "load_yaml",
    "read_config",
    "read_secret_file",
    "validated",
    "web_address",
]
