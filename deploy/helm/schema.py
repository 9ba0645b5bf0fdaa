"""The schema of the chart's values: what each may be, and the names of thresholds and alerts from the rules."""

from __future__ import annotations

import json
from typing import Any

from csr_exporter.config import Config
from deploy.prometheus.rules import ALERTS, DEFAULTS, is_span

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
SWITCH: Schema = {"type": "boolean"}
FREE: Schema = {"type": "object"}
LIST: Schema = {"type": "array"}
NAMES: Schema = {"type": "array", "items": {"type": "string", "minLength": 1}}
TEXTS: Schema = {"type": "object", "additionalProperties": TEXT}
SPAN: Schema = {"type": "string", "pattern": "^([1-9][0-9]*[dhms])+$"}
PORT: Schema = {"type": "integer", "minimum": 1, "maximum": 65535}
COUNT: Schema = {"type": "integer", "minimum": 1}


def _section(**properties: Schema) -> Schema:
    """A mapping that has these keys and no others."""
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _threshold(name: str, default: object) -> Schema:
    match default:
        case list():
            return {**NAMES, "minItems": 1, "items": {"type": "string", "pattern": "^[A-Za-z0-9_]+$"}}
        case str():
            return SPAN if is_span(name) else TEXT
        case None:
            return COUNT
        case _ if name.endswith(("_share", "_near", "_from", "_most")):
            return {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
        case _:
            return {"type": "number", "minimum": 0}


def _alert() -> Schema:
    severity = {"enum": ["critical", "warning", "info"]}
    return _section(enabled=SWITCH, severity=severity, labels=TEXTS, annotations=TEXTS, **{"for": SPAN})


def _config() -> Schema:
    """The exporter's schema, with regular expressions for Go; the chart itself checks that there are accounts."""
    text = json.dumps(Config.model_json_schema()).replace('"pattern": "^(?=\\\\d)', '"minLength": 2, "pattern": "^')
    schema: Schema = _untitled(json.loads(text))
    schema["properties"]["accounts"].pop("minItems", None)
    return schema


def _untitled(schema: Any) -> Any:  # noqa: ANN401 - JSON
    match schema:
        case dict():
            return {key: _untitled(each) for key, each in schema.items() if key != "title" or isinstance(each, dict)}
        case list():
            return [_untitled(each) for each in schema]
    return schema


def schema() -> str:
    """The schema as JSON."""
    image = _section(repository=TEXT, tag=TEXT, digest={"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"})
    image["properties"]["pullPolicy"] = {"enum": ["Always", "IfNotPresent", "Never"]}
    monitor = _section(enabled=SWITCH, labels=TEXTS, interval=SPAN, endpoint=FREE)
    given = {name: _threshold(name, default) for name, default in DEFAULTS.items()}
    alerts = {name: {"$ref": "#/$defs/Alert"} for name in ALERTS}
    config = _config()
    definitions = {**config.pop("$defs"), "Alert": _alert()}
    values = _section(
        image=image,
        imagePullSecrets=LIST,
        nameOverride=TEXT,
        fullnameOverride=TEXT,
        config=config,
        secrets=_section(existing=NAMES, create=TEXTS),
        replicas={"type": "integer", "minimum": 0},
        shards={"type": "integer", "minimum": 1, "maximum": 9999},
        persistence=_section(
            enabled=SWITCH,
            size={"type": "string", "pattern": "^[1-9][0-9]*[MGT]i$"},
            storageClass=TEXT,
            retention=SPAN,
            annotations=TEXTS,
        ),
        web=_section(config=FREE, existingSecret=TEXT, tlsSecret=TEXT),
        extraArgs={"type": "array", "items": {"type": "string", "pattern": "^--"}},
        env=LIST,
        service=_section(port=PORT, annotations=TEXTS),
        serviceAccount=_section(create=SWITCH, name=TEXT, annotations=TEXTS),
        serviceMonitor=monitor,
        podMonitor=monitor,
        prometheusRule=_section(enabled=SWITCH, labels=TEXTS, thresholds=_section(**given), alerts=_section(**alerts)),
        dashboards=_section(enabled=SWITCH, labels=TEXTS, annotations=TEXTS),
        networkPolicy=_section(enabled=SWITCH, egressPorts={"type": "array", "items": PORT}, **{"from": LIST}),
        podDisruptionBudget=_section(enabled=SWITCH, maxUnavailable={"type": ["integer", "string"]}),
        resources=FREE,
        podAnnotations=TEXTS,
        podLabels=TEXTS,
        nodeSelector=TEXTS,
        tolerations=LIST,
        affinity=FREE,
        topologySpreadConstraints=LIST,
        **{"global": FREE},
    )
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **values, "$defs": definitions}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
