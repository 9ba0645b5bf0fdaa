"""How an account authenticates: one model for each kind of credentials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from csr_exporter.config.settings import (
    OptionalSecret,
    RequiredSecret,
    encrypted_or_allowed,
    metadata_address,
    web_address,
)

SiteName = Literal["china", "international", "malaysia", "europe"]


class SiteEndpoints(NamedTuple):
    """Where a Huawei Cloud site is reached; one endpoint of SCM serves a whole account."""

    region: str
    scm: str
    iam: str


_IAM = "https://iam.myhuaweicloud.com"

SITES: Mapping[str, SiteEndpoints] = {
    "china": SiteEndpoints("cn-north-4", "https://scm.cn-north-4.myhuaweicloud.com", _IAM),
    "international": SiteEndpoints("ap-southeast-1", "https://scm.ap-southeast-1.myhuaweicloud.com", _IAM),
    "malaysia": SiteEndpoints("my-kualalumpur-1", "https://scm.my-kualalumpur-1.myhuaweicloud.com", _IAM),
    "europe": SiteEndpoints(
        "eu-west-101", "https://scm.eu-west-101.myhuaweicloud.eu", "https://iam.eu-west-101.myhuaweicloud.eu"
    ),
}
"""Source: "Endpoints" of SCM and of IAM."""


class Section(BaseModel):
    """A mapping of settings: unknown ones are refused, nothing is converted, nothing can be changed afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    @model_serializer(mode="wrap")
    def _without_unset(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is None by default; elsewhere ``null`` has a meaning of its own."""
        optional = {name for name, field in type(self).model_fields.items() if field.default is None}
        return {name: value for name, value in handler(self).items() if value is not None or name not in optional}


_SPELLINGS = {"": "", "_file": ", in a file", "_env": ", in an environment variable of this name"}
"""The suffixes by which a secret is given, and how its description goes on."""


class Credentials(Section):
    """How to authenticate. A secret is given as ``X``, ``X_file`` or ``X_env``, which become the one field ``X``."""

    secrets: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _fold(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        folded = dict(data)
        for name in cls.secrets:
            given = {suffix: folded.pop(name + suffix) for suffix in _SPELLINGS if name + suffix in folded}
            if given or cls.model_fields[name].is_required():
                folded[name] = given
        return folded

    @model_serializer(mode="wrap")
    def _unfold(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The reverse of `_fold`."""
        unfolded = handler(self)
        for name in self.secrets:
            unfolded |= {name + suffix: shown for suffix, shown in (unfolded.pop(name) or {}).items()}
        return {name: value for name, value in unfolded.items() if value is not None}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema with the three spellings of each secret, of which a required one needs exactly one."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        properties, required = schema["properties"], schema.get("required", [])
        for name in cls.secrets:
            text = properties.pop(name)["description"]
            for suffix, how in _SPELLINGS.items():
                properties[name + suffix] = {"type": "string", "description": text + how}
            if name in required:
                one_of = [{"required": [name + suffix]} for suffix in _SPELLINGS]
                schema.setdefault("allOf", []).append({"oneOf": one_of})
        schema["required"] = sorted(set(required) - set(cls.secrets))
        return schema

    def inline_secrets(self) -> Iterator[str]:
        """The names of the secrets written in the file itself. An access key is an identifier, not a secret."""
        for name in self.secrets:
            secret = getattr(self, name)
            if name != "access_key" and secret and secret.inline:
                yield name


class AkskCredentials(Credentials):
    """An access key, permanent or temporary. No request to IAM is needed."""

    secrets: ClassVar = ("access_key", "secret_key", "security_token")

    kind: Literal["aksk"]
    access_key: RequiredSecret = Field(description="Access key (AK)")
    secret_key: RequiredSecret = Field(description="Secret key (SK)")
    security_token: OptionalSecret = Field(None, description="Security token of a temporary access key")
    domain_id: str | None = Field(None, description="Account ID, sent as X-Domain-Id if given")
    project_id: str | None = Field(None, description="Project ID, sent as X-Project-Id if given")


def _one_scope(domain: str | None, info: ValidationInfo) -> str | None:
    if (domain is None) == (info.data.get("project") is None):
        raise ValueError("expected either project or domain")
    return domain


class Scope(Section):
    """What a token is valid for: a project or the whole account. Give exactly one."""

    project: str | None = Field(None, description="Name of the project, such as cn-north-4")
    domain: Annotated[str | None, AfterValidator(_one_scope)] = Field(
        None, validate_default=True, description="Name of the account"
    )


class PasswordCredentials(Credentials):
    """An IAM user; tokens are issued and renewed as needed. HUAWEI IDs and federated users have no password in IAM."""

    secrets: ClassVar = ("password",)

    kind: Literal["password"]
    user: str = Field(min_length=1, description="Name of the IAM user")
    password: RequiredSecret = Field(description="Password of the IAM user")
    domain: str = Field(min_length=1, description="Name of the account the user belongs to")
    scope: Scope | None = Field(
        None, description="What the token is valid for; defaults to the project of the site, else the account"
    )
    iam_endpoint: Annotated[str | None, AfterValidator(lambda text: text and web_address(text))] = Field(
        None, description="URL of IAM; defaults to that of the site"
    )


class TokenCredentials(Credentials):
    """A token issued elsewhere; a file is read again when it changes."""

    secrets: ClassVar = ("token",)

    kind: Literal["token"]
    token: RequiredSecret = Field(description="IAM token, sent as X-Auth-Token")


class EnvironmentCredentials(Credentials):
    """The official SDK's variables: HUAWEICLOUD_SDK_AK and _SK, or _IDP_ID and _ID_TOKEN_FILE, and their companions."""

    kind: Literal["environment"]


class ProfileCredentials(Credentials):
    """The official SDK's file: ~/.huaweicloud/credentials or HUAWEICLOUD_SDK_CREDENTIALS_FILE."""

    kind: Literal["profile"]


class OidcCredentials(Credentials):
    """An agency assumed with an OIDC token, from the SDK's variables: HUAWEICLOUD_OIDC_PROVIDER_URN and so on."""

    kind: Literal["oidc"]


class PodIdentityCredentials(Credentials):
    """The agency that CCE associates with the service account of the pod; CCE sets the SDK's variables for it."""

    kind: Literal["pod_identity"]


class MetadataCredentials(Credentials):
    """The agency bound to the ECS that runs the exporter; never asked through a proxy."""

    kind: Literal["metadata"]
    metadata_endpoint: Annotated[str, AfterValidator(metadata_address)] = Field(
        "http://169.254.169.254", description="URL of the metadata service"
    )


AnyCredentials = (
    AkskCredentials
    | PasswordCredentials
    | TokenCredentials
    | MetadataCredentials
    | ProfileCredentials
    | OidcCredentials
    | PodIdentityCredentials
    | EnvironmentCredentials
)


def with_site(given: AnyCredentials, info: ValidationInfo) -> AnyCredentials:
    """Fill in what the site implies for IAM."""
    if not isinstance(given, PasswordCredentials) or "endpoint" not in info.data:
        return given
    site = SITES.get(info.data.get("site") or "")
    iam = given.iam_endpoint or (site and site.iam)
    if not iam:
        raise ValueError("expected iam_endpoint: it is known for sites only")
    scope = given.scope or (Scope(project=site.region) if site else Scope(domain=given.domain))
    return given.model_copy(update={"scope": scope, "iam_endpoint": encrypted_or_allowed(iam, info)})
