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
    PodIdentityCredentials,
    ProfileCredentials,
    Section,
    TokenCredentials,
)
from csr_exporter.config.model import AccountConfig, Config
from csr_exporter.config.policy import OwnerConfig, PolicyConfig, WaiverConfig
from csr_exporter.config.reading import ConfigError, config_from_environment, load_yaml, read_config, validated
from csr_exporter.config.settings import (
    Duration,
    FilePath,
    Secret,
    SecretUnavailableError,
    duration,
    encrypted,
    is_local,
    proxy_address,
    read_secret_file,
    seconds,
    web_address,
)

__all__ = [
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
    "OwnerConfig",
    "PasswordCredentials",
    "PodIdentityCredentials",
    "PolicyConfig",
    "ProfileCredentials",
    "Secret",
    "SecretUnavailableError",
    "Section",
    "TokenCredentials",
    "WaiverConfig",
    "config_from_environment",
    "duration",
    "encrypted",
    "is_local",
    "load_yaml",
    "proxy_address",
    "read_config",
    "read_secret_file",
    "seconds",
    "validated",
    "web_address",
]
