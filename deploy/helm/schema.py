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
OPTIONAL: Schema = {"type": ["integer", "null"], "minimum": 0}
OBJECT: dict[str, Schema] = {"enabled": SWITCH, "labels": TEXTS, "annotations": TEXTS}
"""What each object beside the workload has."""


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
    texts = {"expr": TEXT, "for": SPAN, "keep_firing_for": SPAN}
    return _section(enabled=SWITCH, severity=severity, labels=TEXTS, annotations=TEXTS, **texts)


def _monitor() -> Schema:
    return _section(
        **OBJECT,
        namespace=TEXT,
        interval=SPAN,
        scrapeTimeout=TEXT,
        jobLabel=TEXT,
        sampleLimit={"type": "integer", "minimum": 0},
        targetLabels=NAMES,
        podTargetLabels=NAMES,
        relabelings=LIST,
        metricRelabelings=LIST,
        endpoint=FREE,
        spec=FREE,
    )


def _pod() -> dict[str, Schema]:
    """What becomes part of the pods or of the workload as it is, for Kubernetes to check."""
    mappings = (
        "affinity dnsConfig lifecycle livenessProbe podSecurityContext readinessProbe resources securityContext "
        "startupProbe strategy"
    )
    lists = (
        "env envFrom extraContainers extraVolumeMounts extraVolumes hostAliases imagePullSecrets initContainers "
        "tolerations topologySpreadConstraints"
    )
    return {
        **dict.fromkeys(mappings.split(), FREE),
        **dict.fromkeys(lists.split(), LIST),
        **dict.fromkeys(("annotations", "labels", "nodeSelector", "podAnnotations", "podLabels"), TEXTS),
        **dict.fromkeys(("dnsPolicy", "priorityClassName", "runtimeClassName"), TEXT),
        "hostNetwork": SWITCH,
        "hostUsers": {"type": ["boolean", "null"]},
        **dict.fromkeys(("revisionHistoryLimit", "terminationGracePeriodSeconds"), OPTIONAL),
    }


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
    digest = {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"}
    policy = {"enum": ["Always", "IfNotPresent", "Never"]}
    given = {name: _threshold(name, default) for name, default in DEFAULTS.items()}
    alerts = {name: {"$ref": "#/$defs/Alert"} for name in ALERTS}
    config = _config()
    definitions = {**config.pop("$defs"), "Alert": _alert()}
    values = _section(
        image=_section(registry=TEXT, repository=TEXT, tag=TEXT, digest=digest, pullPolicy=policy),
        nameOverride=TEXT,
        fullnameOverride=TEXT,
        namespaceOverride=TEXT,
        commonLabels=TEXTS,
        commonAnnotations=TEXTS,
        config=config,
        existingConfigMap=TEXT,
        existingSecret=TEXT,
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
        web=_section(config=FREE, existingSecret=TEXT, tlsSecret=TEXT, routePrefix={"pattern": "^(/[^/]+)*$", **TEXT}),
        extraArgs={"type": "array", "items": {"type": "string", "pattern": "^--"}},
        service=_section(
            type={"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
            port=PORT,
            nodePort={**PORT, "type": ["integer", "null"]},
            labels=TEXTS,
            annotations=TEXTS,
            spec=FREE,
        ),
        serviceAccount=_section(
            create=SWITCH, name=TEXT, labels=TEXTS, annotations=TEXTS, automountServiceAccountToken=SWITCH
        ),
        serviceMonitor=_monitor(),
        podMonitor=_monitor(),
        prometheusRule=_section(
            **OBJECT,
            namespace=TEXT,
            thresholds=_section(**given),
            alerts=_section(**alerts),
            extraLabels=TEXTS,
            extraAnnotations=TEXTS,
            extraGroups=LIST,
        ),
        dashboards=_section(**OBJECT, namespace=TEXT),
        ingress=_section(**OBJECT, className=TEXT, hosts=NAMES, pathType=TEXT, tls=LIST),
        httpRoute=_section(**OBJECT, parentRefs=LIST, hostnames=NAMES, filters=LIST),
        networkPolicy=_section(
            **OBJECT, egressPorts={"type": "array", "items": PORT}, extraEgress=LIST, **{"from": LIST}
        ),
        podDisruptionBudget=_section(
            enabled={"enum": [True, False, "auto"]}, maxUnavailable={"type": ["integer", "string"]}
        ),
        **_pod(),
        extraManifests={"type": "array", "items": {"type": ["object", "string"]}},
        **{"global": FREE},
    )
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **values, "$defs": definitions}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
