"""From `rules.template.yml` to the rules that Prometheus reads, at any thresholds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2
import yaml
from prometheus_client.utils import floatToGoString

from csr_exporter.config.settings import duration, seconds
from csr_exporter.inventory import DOCUMENTED_ALGORITHMS

HERE = Path(__file__).parent
RULES = HERE / "csr-exporter.rules.yml"
TEXTFILE_RULES = HERE / "csr-exporter-textfile.rules.yml"
HEADER = "# Written by `make rules` from the code beside it; what the alerts mean is in docs/alerts.md.\n"
CONCERNS = ("hygiene", "trust", "access", "exporter")
"""Groups of alerts, by the value of their label ``concern``."""

GROUPS = {"trust": "accounts", "access": "accounts"}
"""Concerns that share a group: what one alert silences must not outlive it until another group is evaluated."""

INTERVALS = {"oldest": "4m"}
"""Groups that read the series of all CSRs, and so are evaluated less often; a sample counts as current for 5m."""

OWN_ALERT = ("unauthorized", "forbidden", "credentials_unavailable", "throttled")
"""Reasons of failed polls that have an alert of their own."""

Rule = dict[str, Any]
Thresholds = Mapping[str, Any]
"""By name, as a user of the chart writes them: durations as text, shares between 0 and 1."""

# --- templates --------------------------------------------------------------------------------------------------------


def _query(query: str) -> str:
    arguments = "".join(f" $labels.{label}" for label in re.findall(r"(\w+)=%q", query))
    return f"printf `{query}`{arguments} | query"


def _number(query: str, otherwise: str, shape: str = 'printf "%.0f"') -> str:
    """The only result of *query*, or *otherwise* if it has none."""
    return f"{{{{ with {_query(query)} }}}}{{{{ . | first | value | {shape} }}}}{{{{ else }}}}{otherwise}{{{{ end }}}}"


def _listing(query: str, label: str, shape: str, before: str) -> str:
    """*before* and each result of *query* with its *label* or else its id, or nothing if there is none."""
    each = f"{{{{ or $each.Labels.{label} $each.Labels.id }}}} ({{{{ $each.Value | {shape} }}}})"
    return f"{{{{ with {_query(query)} }}}} {before} {_items(each)}.{{{{ end }}}}"


def _names(query: str, label: str, before: str) -> str:
    """*before* and the *label* of each result of *query*, or nothing if there is none."""
    each = f"{{{{ $each.Labels.{label} }}}}"
    return f"{{{{ with {_query(query)} }}}} {before} {_items(each)}.{{{{ end }}}}"


def _items(each: str) -> str:
    return f"{{{{ range $index, $each := . }}}}{{{{ if $index }}}}, {{{{ end }}}}{each}{{{{ end }}}}"


def _choice(query: str, yes: str, no: str) -> str:
    """*yes* if *query* has a result, else *no*."""
    return f"{{{{ with {_query(query)} }}}}{yes}{{{{ else }}}}{no}{{{{ end }}}}"


def _unless_above(most: str, text: str) -> str:
    """*text*, with its queries, unless the value of the alert is above *most*."""
    return f"{{{{ if le $value {most}.0 }}}}{text}{{{{ end }}}}"


WINDOWS = ((1, " <= {0}@@"), (6, " > {0}@@ <= {0}6@@"), (144, " > {0}6@@"))
"""How many times as long a window is, and for which poll intervals."""


def _gained(
    counter: str, window: str, before: int = 0, ignoring: str = "", interval: str = "csr_exporter_poll_interval_seconds"
) -> str:
    """What *counter* gained in a *window* that follows the poll interval, so many windows *before* now.

    Not ``increase``: ranges as long as the longest of these would be read for every account. After a restart it is what
    was counted since.
    """
    matching = f" ignoring ({ignoring})" if ignoring else ""

    def back(windows: int) -> str:
        """*counter* so many windows ago."""
        return "\nor\n".join(
            f"{counter} offset @@{window}:range{times * windows}@@"
            f" and{matching} ({interval}{bounds.format('@@window_interval:seconds')})"
            for times, bounds in WINDOWS
        )

    now = f"({back(before)})" if before else f"({counter} and{matching} {interval})"
    return f"{now}\n- ({back(before + 1)})\n>= 0\nor\n{now}"


def rendered(file: str, **context: object) -> str:
    """What Jinja makes of *file*, in which its delimiters are angle brackets: alerts have braces of their own."""
    environment = jinja2.Environment(
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - YAML of our own
    )
    return environment.from_string((HERE / file).read_text(encoding="utf-8")).render(**context)


def template(
    number: Callable[..., str] = _number,
    listing: Callable[..., str] = _listing,
    choice: Callable[..., str] = _choice,
    names: Callable[..., str] = _names,
    unless_above: Callable[..., str] = _unless_above,
) -> dict[str, Any]:
    """The template as data, its thresholds still open. *number* and the others write the queries of annotations."""
    aged = "max without (@@replica_labels@@) (scm_csr_age_distribution_seconds_gcount{account=%q,job=%q})"
    text = rendered(
        "rules.template.yml",
        number=number,
        listing=listing,
        names=names,
        unless_above=unless_above,
        gained=_gained,
        documented_algorithms=DOCUMENTED_ALGORITHMS,
        no_own_alert=f'reason!~"{"|".join(OWN_ALERT)}"',
        held=number("max(scm_csr_reported{account=%q,job=%q})", "an unknown number of"),
        limit=number("max(scm_csr_limit{account=%q,job=%q})", "?"),
        # Where the age of some CSRs is not known, they may be older than those whose is.
        at_least=choice(f"max(scm_csr_reported{{account=%q,job=%q}}) > (sum({aged}) or vector(0))", "at least ", ""),
        # Which way a clock is off: the skew is the service's clock minus ours.
        direction=choice("sum(csr_exporter_clock_skew_seconds{instance=%q,job=%q}) > 0", "behind", "ahead"),
        interval=number("max(csr_exporter_poll_interval_seconds{account=%q,job=%q})", "?", "humanizeDuration"),
        recent_failures=listing(
            "sort_desc(max by (reason) (account_reason:csr_exporter_poll_failures:recent{account=%q,job=%q}))",
            "reason",
            'printf "%.0f"',
            "Failed polls of late:",
        ),
    )
    content: dict[str, Any] = yaml.safe_load(text)
    return content


def alerts_of(template: Mapping[str, Any]) -> dict[str, Rule]:
    """The alerts by name, each with its concern."""
    return {
        each["alert"]: {"of_account": True, "of_job": True, **each, "concern": concern}
        for concern in CONCERNS
        for each in template[concern]
    }


TEMPLATE = template()
ALERTS = alerts_of(TEMPLATE)
DEFAULTS = {name: default for name, (default, _) in TEMPLATE["thresholds"].items()}

# --- thresholds -------------------------------------------------------------------------------------------------------


def is_span(name: str) -> bool:
    """Whether the threshold *name* is a duration."""
    return bool(re.fullmatch(r"\d+[smhd]", str(DEFAULTS[name])))


def _plain(value: Any) -> str:  # noqa: ANN401 - whatever a threshold can be
    if isinstance(value, str):
        return value
    return ", ".join(value) if isinstance(value, list) else f"{value:.10g}"


VERBS: Mapping[str, Callable[[Any, float], str]] = {
    "": lambda value, _: _plain(value),
    "range": lambda value, faster: value if faster == 1 else duration(seconds(value) / faster),
    "seconds": lambda value, faster: f"{seconds(value) / faster:.10g}",
    "age": lambda value, _: f"{seconds(value):.0f}",
    # The library does not type it.
    "bound": lambda value, _: str(floatToGoString(seconds(value))),  # type: ignore[no-untyped-call]
    "percent": lambda value, _: f"{value:.0%}",
    "either": lambda value, _: "|".join(value),
    "others": lambda value, _: "".join(f"|{each}" for each in value if each not in DOCUMENTED_ALGORITHMS),
}
"""How a threshold is written; what each verb means stands in the template. The chart has the same in `_rules.tpl`."""


def filled(text: str, thresholds: Thresholds = DEFAULTS, faster: float = 1.0) -> str:
    """*text* with the numbers of *thresholds*, for a clock that runs so many times *faster*."""
    return re.sub(
        r"@@(\w+):?([a-z]*)(\d*)@@",
        lambda match: VERBS[match[2]](thresholds[match[1]], faster / int(match[3] or 1)),
        text,
    )


# --- rules ------------------------------------------------------------------------------------------------------------


def open_groups(*, replicas: bool = False, textfile: bool = False) -> list[dict[str, Any]]:
    """The groups of rules with their thresholds open, all or those for the textfile collector alone.

    *replicas* says whether that threshold is set.
    """
    groups: dict[str, list[Rule]] = {"records": []}
    for each in TEMPLATE["records"]:
        if suits(each, textfile=textfile):
            rule = {"record": each["record"], "expr": each["expr"]}
            groups.setdefault(_group(each.get("group", "records")), []).append(rule)
    for each in ALERTS.values():
        if suits(each, textfile=textfile):
            groups.setdefault(_group(each["concern"]), []).append(open_rule(each, replicas=replicas))
    return [
        {
            "name": f"csr-exporter.{name}",
            **({"interval": INTERVALS[name]} if name in INTERVALS else {}),
            "rules": rules,
        }
        for name, rules in groups.items()
    ]


def _group(name: str) -> str:
    return GROUPS.get(name, name)


def suits(rule: Rule, *, textfile: bool) -> bool:
    """Whether *rule* can work, with the textfile collector if *textfile*: a run of ``once`` has no past."""
    return not textfile or rule.get("textfile", True)


def open_rule(alert: Rule, *, replicas: bool = False) -> Rule:
    """*alert* as Prometheus wants it, its thresholds open."""
    alert = alert | alert.get("with_replicas", {}) if replicas else alert
    job = "?var-job={{ urlquery $labels.job }}" if alert["of_job"] else ""
    account = "&var-account={{ urlquery $labels.account }}" if alert["of_account"] else ""
    return {
        "alert": alert["alert"],
        "expr": alert["expr"],
        "for": alert["for"],
        **{key: alert[key] for key in ("keep_firing_for",) if key in alert},
        "labels": {"severity": alert["severity"], "concern": alert["concern"]},
        "annotations": {
            "summary": alert["summary"],
            "description": alert["description"],
            "runbook_url": f"@@runbooks_url@@/{alert['alert']}.md",
            "dashboard_url": f"@@grafana_url@@/d/{alert['dashboard']}{job}{account}",
        },
    }


def groups(
    thresholds: Thresholds | None = None, faster: float = 1.0, *, textfile: bool = False
) -> list[dict[str, Any]]:
    """The groups of rules, at the defaults but for *thresholds*, for a clock that runs so many times *faster*."""
    given = DEFAULTS | dict(thresholds or {})
    content = open_groups(replicas=given["replicas"] is not None, textfile=textfile)
    for group in content:
        if "interval" in group:
            group["interval"] = duration(seconds(group["interval"]) / faster)
    for rule in (rule for group in content for rule in group["rules"]):
        rule["expr"] = filled(rule["expr"], given, faster)
        if "alert" in rule:
            for key in rule.keys() & {"for", "keep_firing_for"}:
                rule[key] = duration(seconds(rule[key]) / faster)
            rule["annotations"] = {name: filled(text, given, faster) for name, text in rule["annotations"].items()}
    return content


def text(thresholds: Thresholds | None = None, faster: float = 1.0, *, textfile: bool = False) -> str:
    """The rule file."""
    return HEADER + as_yaml({"groups": groups(thresholds, faster, textfile=textfile)})


# --- YAML -------------------------------------------------------------------------------------------------------------

WIDTH = 110


class _Dumper(yaml.SafeDumper):
    """Folds long texts and leaves expressions as they are."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the signature of the library
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - likewise
        super().increase_indent(flow, indentless=False)

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:  # noqa: ANN401, FBT001 - likewise
        node = super().represent_mapping(tag, mapping, flow_style)
        for key, value in node.value:
            if key.value == "expr":
                value.style = "|"  # programs disagree about how lines are folded
            elif isinstance(value, yaml.ScalarNode) and len(value.value) > WIDTH - 10:
                value.style = ">"
        return node


def as_yaml(content: object) -> str:
    """*content* as YAML that reads well."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=WIDTH, allow_unicode=True)
