"""Reading the configuration from YAML or the environment, with a sentence for every mistake."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from csr_exporter.config.model import Config

M = TypeVar("M", bound=BaseModel)


class ConfigError(Exception):
    """The configuration cannot be used; *mistakes* are sentences ready for the terminal."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


def read_config(file: Path) -> Config:
    """Read the YAML *file*. Raises `ConfigError` with all its mistakes."""
    return _validated(load_yaml(file), str(file), file.parent)


def load_yaml(file: Path) -> object:
    """What the YAML *file* says. Raises `ConfigError`, which never quotes it."""
    try:
        text = file.read_text(encoding="utf-8")
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader that also refuses a key given twice
    except OSError as error:
        raise ConfigError([f"{file}: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{file}: expected UTF-8 text"]) from None
    except yaml.MarkedYAMLError as error:
        # Its own text quotes the line, which may hold a secret.
        where = f":{error.problem_mark.line + 1}:{error.problem_mark.column + 1}" if error.problem_mark else ""
        raise ConfigError([f"{file}{where}: {error.problem or error.context}"]) from None
    except yaml.YAMLError:
        raise ConfigError([f"{file}: expected YAML without control characters"]) from None


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(problem="a key is given twice", problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def _validated(data: object, origin: str, directory: Path) -> Config:
    return validated(Config, data, origin, directory, _names_given_twice(data))


def validated(model: type[M], data: object, origin: str, directory: Path, further: Iterable[str] = ()) -> M:
    """*data* as *model*; paths in it start at *directory*, *further* are mistakes that the model cannot see.

    Raises `ConfigError` with all mistakes, each after *origin*, which names the file.
    """
    if not isinstance(data, Mapping):
        raise ConfigError([f"{origin}: expected a mapping of settings"])
    mistakes = list(further)
    try:
        read = model.model_validate(data, context={"directory": directory})
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        mistakes = [*(_sentence(each, model) for each in problems), *mistakes]
    if mistakes:
        raise ConfigError(f"{origin}: {mistake}" for mistake in mistakes)
    return read


def _names_given_twice(data: object) -> Iterator[str]:
    seen: set[object] = set()
    accounts = data.get("accounts") if isinstance(data, Mapping) else None
    for position, account in enumerate(accounts if isinstance(accounts, list) else ()):
        name = account.get("name") if isinstance(account, Mapping) else None
        if isinstance(name, str) and name in seen:
            yield f"accounts.{position}.name: expected a name that no other account has"
        seen.add(name if isinstance(name, str) else None)


_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a mapping of settings",
    "float_type": "a number",
    "int_type": "a whole number",
    "model_type": "a mapping of settings",
    "string_type": "text",
    "tuple_type": "a list",
}


def _sentence(problem: ErrorDetails, model: type[BaseModel]) -> str:
    path = ".".join(map(str, problem["loc"]))
    match problem["type"]:
        case "missing":
            return f"{path}: required, but not given"
        case "extra_forbidden":
            return f"{path}: unknown setting{_suggestion(str(problem['loc'][-1]), model)}"
        case kind if kind in _EXPECTED:
            return f"{path}: expected {_EXPECTED[kind]}"
        case _:
            message = problem["msg"].removeprefix("Value error, ")
            return f"{path}: {message.replace('Input should be', 'expected', 1)}"


def _suggestion(key: str, model: type[BaseModel]) -> str:
    close = difflib.get_close_matches(key, _setting_names(model), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _setting_names(model: type[BaseModel]) -> list[str]:
    schema = model.model_json_schema()
    return sorted({name for each in (schema, *schema["$defs"].values()) for name in each["properties"]})


def config_from_environment(environ: Mapping[str, str]) -> Config:
    """One account named ``default`` from variables. Raises `ConfigError` with all mistakes."""
    account: dict[str, object] = {"name": "default", "credentials": _credentials_from(environ)}
    account |= _given(environ, "site", "endpoint")
    try:
        return _validated({"accounts": [account], **_given(environ, "poll_interval")}, "environment", Path())
    except ConfigError as error:
        raise ConfigError(map(_naming_the_variable, error.mistakes)) from None


def _credentials_from(environ: Mapping[str, str]) -> dict[str, object]:
    if token := _given_secret(environ, "token"):
        return {"kind": "token", **token}
    if not environ.get("CSR_EXPORTER_USER"):
        return _credentials_of_the_sdk(environ)
    scope = _given(environ, "project")
    return {
        "kind": "password",
        **_given(environ, "user", "domain", "iam_endpoint"),
        **_given_secret(environ, "password"),
        **({"scope": scope} if scope else {}),
    }


def _credentials_of_the_sdk(environ: Mapping[str, str]) -> dict[str, object]:
    if not environ.get("HUAWEICLOUD_SDK_AK") and not environ.get("HUAWEICLOUD_SDK_IDP_ID"):
        expected = "HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, CSR_EXPORTER_TOKEN or CSR_EXPORTER_USER"
        raise ConfigError([f"environment: expected {expected}, or a file named by --config.file"])
    return {"kind": "environment"}


def _given(environ: Mapping[str, str], *settings: str) -> dict[str, object]:
    return {each: value for each in settings if (value := environ.get(_variable(each)))}


def _given_secret(environ: Mapping[str, str], name: str) -> dict[str, object]:
    by_variable = {f"{name}_env": _variable(name)} if environ.get(_variable(name)) else {}
    return by_variable | _given(environ, f"{name}_file")


def _variable(setting: str) -> str:
    return f"CSR_EXPORTER_{setting.upper()}"


def _naming_the_variable(mistake: str) -> str:
    origin, path, expected = mistake.split(": ", 2)
    return f"{origin}: {_variable(path.rsplit('.', 1)[-1])}: {expected}"
