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
    return _read(load_yaml(file), str(file), file.parent)


def load_yaml(file: Path) -> object:
    """The data in the YAML *file*. Raises `ConfigError`, which never quotes it."""
    try:
        text = file.read_text(encoding="utf-8")
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader that also refuses duplicate keys
    except OSError as error:
        raise ConfigError([f"{file}: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{file}: expected UTF-8 text"]) from None
    except yaml.MarkedYAMLError as error:
        where = f":{error.problem_mark.line + 1}:{error.problem_mark.column + 1}" if error.problem_mark else ""
        raise ConfigError([f"{file}{where}: {_without_quotes(error)}"]) from None
    except yaml.YAMLError:
        raise ConfigError([f"{file}: expected YAML without control characters"]) from None
    except RecursionError:
        raise ConfigError([f"{file}: nested too deeply"]) from None


_YAML_MISTAKES = {
    "found undefined alias": "expected an anchor for this alias; quote text that starts with *",
    "could not determine a constructor for the tag": "expected no tag; quote text that starts with !",
    "found undefined tag handle": "expected no tag; quote text that starts with !",
    "duplicate tag handle": "expected another tag handle",
    "second occurrence": "expected another anchor",
}


def _without_quotes(error: yaml.MarkedYAMLError) -> str:
    """What is wrong, without any text of the file: it may be a secret."""
    problem = error.problem or error.context or ""
    for start, mistake in _YAML_MISTAKES.items():
        if problem.startswith(start):
            return mistake
    # What else the parser quotes are tokens of YAML; the others quote characters of the file.
    quotes = "'" in problem and not isinstance(error, yaml.parser.ParserError)
    return "expected text that YAML can read, or text in quotes" if quotes else problem


class _Loader(yaml.SafeLoader):
    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - as YAML has it
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):  # 2024-13-45, 0x_, !!int X
            problem = "expected a valid number or date, or text in quotes"
            raise yaml.constructor.ConstructorError(problem=problem, problem_mark=node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(problem="a key is given twice", problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def _read(data: object, origin: str, directory: Path) -> Config:
    return validated(Config, data, origin, directory, _duplicate_names(data))


def validated(model: type[M], data: object, origin: str, directory: Path, further: Iterable[str] = ()) -> M:
    """*data* as *model*; paths in it are relative to *directory*, *further* are mistakes that the model cannot see.

    Raises `ConfigError` with all mistakes, each after *origin*, which names the file.
    """
    if not isinstance(data, Mapping):
        raise ConfigError([f"{origin}: expected a mapping of settings"])
    try:
        read, problems = model.model_validate(data, context={"directory": directory}), []
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
    if mistakes := [*(_sentence(each, model) for each in problems), *further]:
        raise ConfigError(f"{origin}: {mistake}" for mistake in mistakes)
    return read


def _duplicate_names(data: object) -> Iterator[str]:
    for section, what in (("accounts", "account"), ("waivers", "waiver")):
        entries = data.get(section) if isinstance(data, Mapping) else None
        seen: set[str] = set()
        for position, entry in enumerate(entries if isinstance(entries, list) else ()):
            name = entry.get("name") if isinstance(entry, Mapping) else None
            if isinstance(name, str) and name in seen:
                yield f"{section}.{position}.name: expected a name that no other {what} has"
            seen.add(str(name))


_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a mapping of settings",
    "float_type": "a number",
    "int_type": "a whole number",
    "model_attributes_type": "a mapping with a kind",
    "model_type": "a mapping of settings",
    "string_pattern_mismatch": "text without white space around it",
    "string_too_short": "text",
    "string_type": "text; put numbers and dates in quotes",
    "too_short": "at least one entry",
    "tuple_type": "a list",
    "union_tag_not_found": "a kind",
}


def _sentence(problem: ErrorDetails, model: type[BaseModel]) -> str:
    path = ".".join(map(str, problem["loc"]))
    match problem["type"]:
        case "missing":
            return f"{path}: required, but not given"
        case "extra_forbidden":
            return f"{path}: unknown setting{_suggestion(str(problem['loc'][-1]), model)}"
        case "union_tag_invalid":  # its own text quotes what was given
            return f"{path}.kind: expected {problem['ctx']['expected_tags']}"
        case kind if kind in _EXPECTED:
            return f"{path}: expected {_EXPECTED[kind]}"
        case _:
            message = problem["msg"].removeprefix("Value error, ")
            return f"{path}: {message.replace('Input should be', 'expected', 1)}"


def _suggestion(key: str, model: type[BaseModel]) -> str:
    schema = model.model_json_schema()
    names = sorted({name for each in (schema, *schema["$defs"].values()) for name in each["properties"]})
    close = difflib.get_close_matches(key, names, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def config_from_environment(environ: Mapping[str, str]) -> Config:
    """One account named ``default`` from variables. Raises `ConfigError` with all mistakes."""
    given = {
        variable.removeprefix(_PREFIX).lower(): value
        for variable, value in environ.items()
        if value and variable.startswith(_PREFIX)
    }
    credentials = _credentials(given, environ)
    account = {"name": "default", "credentials": credentials, **_some(given, "site", "endpoint")}
    try:
        return _read({"accounts": [account], **_some(given, "poll_interval")}, "environment", Path())
    except ConfigError as error:
        raise ConfigError(map(_naming_the_variable, error.mistakes)) from None


_PREFIX = "CSR_EXPORTER_"


def _credentials(given: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, object]:
    if token := _secret(given, "token"):
        return {"kind": "token", **token}
    if "user" in given:
        scope = {"scope": {"project": given["project"]}} if "project" in given else {}
        return {
            "kind": "password",
            **_some(given, "user", "domain", "iam_endpoint"),
            **_secret(given, "password"),
            **scope,
        }
    if environ.get("HUAWEICLOUD_SDK_AK") or environ.get("HUAWEICLOUD_SDK_IDP_ID"):
        return {"kind": "environment"}
    expected = "HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, CSR_EXPORTER_TOKEN or CSR_EXPORTER_USER"
    raise ConfigError([f"environment: expected {expected}, or a file given by --config.file"])


def _some(given: Mapping[str, str], *settings: str) -> dict[str, object]:
    return {each: given[each] for each in settings if each in given}


def _secret(given: Mapping[str, str], name: str) -> dict[str, object]:
    """By the variable that holds it, so that its value is in no configuration."""
    by_variable = {f"{name}_env": f"{_PREFIX}{name.upper()}"} if name in given else {}
    return by_variable | _some(given, f"{name}_file")


def _naming_the_variable(mistake: str) -> str:
    origin, path, expected = mistake.split(": ", 2)
    return f"{origin}: {_PREFIX}{path.rsplit('.', 1)[-1].upper()}: {expected}"
