"""How an account authenticates: one model for each kind of credential."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, get_args

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


@dataclass(frozen=True, slots=True)
class Site:
    """A Huawei Cloud site, of which one endpoint serves a whole account. Source: "Endpoints" of SCM and of IAM."""

    region: str
    cloud: str = "myhuaweicloud.com"
    iam: str = "https://iam.myhuaweicloud.com"

    @property
    def scm(self) -> str:
        return f"https://scm.{self.region}.{self.cloud}"


SITES: Mapping[str, Site] = {
    "china": Site("cn-north-4"),
    "international": Site("ap-southeast-1"),
    "malaysia": Site("my-kualalumpur-1"),
    "europe": Site("eu-west-101", "myhuaweicloud.eu", "https://iam.eu-west-101.myhuaweicloud.eu"),
}


class Section(BaseModel):
    """A mapping of settings: unknown ones are refused, nothing is converted, nothing can be changed afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    @model_serializer(mode="wrap")
    def _without_what_is_not_set(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As it would be written: what is not there by default is left out where it is not given."""
        fields = type(self).model_fields.items()
        optional = {each for name, field in fields if field.default is None for each in (name, field.alias)}
        return {name: value for name, value in handler(self).items() if value is not None or name not in optional}


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
            given = {how: folded.pop(key) for how, key in _spellings(name).items() if key in folded}
            if given or cls.model_fields[name].is_required():
                folded[name] = given
        return folded

    @model_serializer(mode="wrap")
    def _unfold(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The reverse of `_fold`, but for what is secret."""
        unfolded: dict[str, Any] = {}
        for name, value in handler(self).items():
            if name in self.secrets and value:
                ((how, shown),) = value.items()
                unfolded[_spellings(name)[how]] = shown
            elif value is not None:
                unfolded[name] = value
        return unfolded

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema with the three spellings of each secret, exactly one of them wanted."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        required = set(schema.get("required", ()))
        for name in cls.secrets:
            text = schema["properties"].pop(name)["description"]
            for how, key in _spellings(name).items():
                schema["properties"][key] = {"type": "string", "description": f"{text}{_HOW[how]}"}
            if name in required:
                one_of = [{"required": [key]} for key in _spellings(name).values()]
                schema.setdefault("allOf", []).append({"oneOf": one_of})
        schema["required"] = sorted(required - set(cls.secrets))
        return schema

    def inline_secrets(self) -> Iterator[str]:
        """The names of the secrets that stand in the file itself. An access key is an identifier, not a secret."""
        given = ((name, getattr(self, name)) for name in self.secrets if name != "access_key")
        return (name for name, secret in given if secret is not None and secret.inline is not None)


_HOW = {"inline": "", "file": ", in a file", "env": ", in an environment variable of this name"}


def _spellings(name: str) -> dict[str, str]:
    return {"inline": name, "file": f"{name}_file", "env": f"{name}_env"}


class AkskCredentials(Credentials):
    """An access key, permanent or temporary. No request to IAM is needed."""

    secrets: ClassVar = ("access_key", "secret_key", "security_token")

    kind: Literal["aksk"]
    access_key: RequiredSecret = Field(description="Access key (AK)")
    secret_key: RequiredSecret = Field(description="Secret key (SK)")
    security_token: OptionalSecret = Field(None, description="Security token of a temporary access key")
    domain_id: str | None = Field(None, description="Account id, sent as X-Domain-Id if given")
    project_id: str | None = Field(None, description="Project id, sent as X-Project-Id if given")


def _one_scope(domain: str | None, info: ValidationInfo) -> str | None:
    if (domain is None) == (info.data.get("project") is None):
        raise ValueError("expected either project or domain")
    return domain


class Scope(Section):
    """What a token is for: a project, or the whole account. Exactly one of them."""

    project: str | None = Field(None, description="Name of the project, such as cn-north-4")
    domain: Annotated[str | None, AfterValidator(_one_scope)] = Field(
        None, validate_default=True, description="Name of the account"
    )


class PasswordCredentials(Credentials):
    """An IAM user, whose tokens are issued and renewed as needed. A HUAWEI ID or a federated user has none."""

    secrets: ClassVar = ("password",)

    kind: Literal["password"]
    user: str = Field(min_length=1, description="Name of the IAM user")
    password: RequiredSecret = Field(description="Password of the IAM user")
    domain: str = Field(min_length=1, description="Name of the account the user belongs to")
    scope: Scope | None = Field(
        None, description="What the token is for; by default the project of the site, else the account"
    )
    iam_endpoint: Annotated[str | None, AfterValidator(lambda text: text and web_address(text))] = Field(
        None, description="Address of IAM; by default that of the site"
    )


class TokenCredentials(Credentials):
    """A token issued elsewhere; a file is read again when it changes."""

    secrets: ClassVar = ("token",)

    kind: Literal["token"]
    token: RequiredSecret = Field(description="IAM token, sent as X-Auth-Token")


class EnvironmentCredentials(Credentials):
    """The variables of the official SDK: HUAWEICLOUD_SDK_AK, _SK and so on, or _IDP_ID and _ID_TOKEN_FILE."""

    kind: Literal["environment"]


class ProfileCredentials(Credentials):
    """The file of the official SDK, ~/.huaweicloud/credentials or HUAWEICLOUD_SDK_CREDENTIALS_FILE."""

    kind: Literal["profile"]


class OidcCredentials(Credentials):
    """An agency assumed with an OIDC token, as the SDK's variables HUAWEICLOUD_OIDC_PROVIDER_URN and so on say."""

    kind: Literal["oidc"]


class MetadataCredentials(Credentials):
    """The agency that is bound to the ECS the exporter runs on; a proxy is never used for it."""

    kind: Literal["metadata"]
    metadata_endpoint: Annotated[str, AfterValidator(metadata_address)] = Field(
        "http://169.254.169.254", description="Address of the metadata service"
    )


AnyCredentials = (
    AkskCredentials
    | PasswordCredentials
    | TokenCredentials
    | MetadataCredentials
    | ProfileCredentials
    | OidcCredentials
    | EnvironmentCredentials
)


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def known_kind(data: object) -> object:
    """*data*, if its kind is one of ours. Raises `ValueError` with the kinds there are."""
    kinds = [get_args(each.model_fields["kind"].annotation)[0] for each in get_args(AnyCredentials)]
    match data:
        case {"kind": kind} if kind in kinds:
            return data
        case Mapping():
            raise ValueError(f"expected a kind: {_listed(kinds)}")
        case _:
            raise ValueError("expected a mapping with a kind")


def with_site(given: AnyCredentials, info: ValidationInfo) -> AnyCredentials:
    """Fill in what the site tells of IAM."""
    if not isinstance(given, PasswordCredentials) or "endpoint" not in info.data:
        return given
    site = SITES.get(info.data.get("site") or "")
    if given.iam_endpoint is None and site is None:
        raise ValueError("expected iam_endpoint, for only a site has a known one")
    scope = given.scope or (Scope(project=site.region) if site else Scope(domain=given.domain))
    iam = encrypted_or_allowed(given.iam_endpoint or (site.iam if site else ""), info)
    return given.model_copy(update={"scope": scope, "iam_endpoint": iam})
