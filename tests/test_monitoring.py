"""Alerts, dashboard and pages agree with the metrics that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from prometheus_client.core import Metric
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from outdial.api.exposition import write_metrics
from outdial.domain.call.claim import CampaignState
from outdial.domain.line.breaker import Circuit
from outdial.metrics import calls, database, http, webhooks
from outdial.metrics.dashboard import text
from outdial.services.operations.gauges import Gauges
from outdial.store.gauges import LineGauges, StoreGauges

ROOT = Path(__file__).parent.parent
MONITORING = ROOT / "deploy" / "monitoring"
METRICS_PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
_SUFFIX = re.compile(r"_(bucket|count|sum|total)$")
_SELECTOR = re.compile(r"\b((?:outdial|temporal|process|python)_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_GROUPED = re.compile(r"\b(?:by|without) \(([^)]*)\)")
_FORBIDDEN = {"phone", "number", "name", "campaign", "tenant", "to", "caller_id", "contact"}


def _instruments() -> Iterator[MetricWrapperBase]:
    for module in (calls, webhooks, http, database):
        yield from (each for each in vars(module).values() if isinstance(each, MetricWrapperBase))


def _families() -> list[Metric]:
    """The gauges that an API shows, with something in each."""
    store = StoreGauges(
        lines=[LineGauges("main", 10, Circuit.CLOSED, held=False)],
        in_flight={("main", "ringing", "paused"): 3},
        campaigns={CampaignState.RUNNING: 1},
        budget_left=0.5,
    )
    exposed = write_metrics(Gauges(temporal_up=True, store=store, took=timedelta(seconds=1)))
    return list(text_string_to_metric_families(exposed.decode()))


def _labels() -> dict[str, set[str]]:
    """The labels of each metric of ours, by the name without `_total`."""
    labels = {each._name: set(each._labelnames) for each in _instruments()}
    own = {each._name for each in _instruments()}
    for family in _families():
        if family.name.startswith("outdial_") and family.name not in own:
            labels[family.name] = {label for sample in family.samples for label in sample.labels}
    return labels


LABELS = _labels()


def _alerts() -> list[dict[str, Any]]:
    rules = YAML(typ="safe").load((MONITORING / "rules.yml").read_text(encoding="utf-8"))
    return [rule for group in rules["groups"] for rule in group["rules"]]


def _panels() -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads(
        (MONITORING / "grafana" / "outdial.json").read_text(encoding="utf-8")
    )["panels"]
    return panels


def _expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in _alerts())
    for panel in _panels():
        yield from (target["expr"] for target in panel.get("targets", ()))


# --- the metrics themselves -------------------------------------------------------------------


def test_names_follow_the_conventions() -> None:
    for each in _instruments():
        assert re.fullmatch(r"outdial_[a-z]+(_[a-z]+)*", each._name), each._name
        if each._type == "histogram":
            assert each._name.endswith("_seconds")
        assert each._documentation.endswith(".")
    for family in _families():
        if family.name.startswith("outdial_") and family.type == "gauge":
            assert not family.name.endswith("_total")


def test_no_label_names_anybody() -> None:
    for name, labels in LABELS.items():
        assert not labels & _FORBIDDEN, name


def test_what_is_read_is_not_registered_twice() -> None:
    families = [family.name for family in _families()]
    assert len(families) == len(set(families))
    assert {each._name for each in _instruments()} <= {m.name for m in REGISTRY.collect()}


def test_the_page_lists_every_metric_and_its_labels() -> None:
    listed = {
        _SUFFIX.sub("", name): set(re.findall(r"`(\w+)`", labels))
        for name, labels in re.findall(r"^\| `(outdial_\w+)` \|([^|]*)\|", METRICS_PAGE, re.M)
    }
    assert listed == LABELS


# --- alerts and dashboard ---------------------------------------------------------------------


def _problems(expr: str) -> Iterator[str]:
    used = set()
    for name, matchers in _SELECTOR.findall(expr):
        if not name.startswith("outdial_"):
            continue
        base = name if name in LABELS else _SUFFIX.sub("", name)
        if base not in LABELS:
            yield f"there is no {name}"
            continue
        used |= LABELS[base] | {"le", "job", "instance"}
        unknown = set(_MATCHER.findall(matchers)) - LABELS[base] - {"le", "job"}
        if unknown:
            yield f"{name} has no label {', '.join(sorted(unknown))}"
    for grouped in _GROUPED.findall(expr):
        unknown = {label.strip() for label in grouped.split(",")} - used
        if used and unknown:
            yield f"nothing is labelled {', '.join(sorted(unknown))}"


def test_expressions_name_what_exists() -> None:
    problems = [f"{expr}: {one}" for expr in _expressions() for one in _problems(expr)]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(
    "expr",
    [
        "rate(outdial_calls_closed_total[5m])",
        'outdial_line_held{campaign="a"}',
        "sum by (tenant) (outdial_line_held)",
    ],
)
def test_the_check_of_expressions_finds_what_is_wrong(expr: str) -> None:
    assert list(_problems(expr))


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    names = [rule["alert"] for rule in _alerts()]
    assert len(names) == len(set(names))
    assert sorted(re.findall(r"^## (\w+)$", RUNBOOK, re.M)) == sorted(names)
    for rule in _alerts():
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in ("page", "ticket")
        page = RUNBOOK.partition(f"## {rule['alert']}\n")[2].partition("\n## ")[0]
        for part in ("**Means**:", "**Look at**:", "**Do**:"):
            assert part in page, f"{rule['alert']} does not say {part}"


def test_every_alert_is_tested() -> None:
    tests = YAML(typ="safe").load((MONITORING / "rules.test.yml").read_text(encoding="utf-8"))
    fired, silent = set[str](), set[str]()
    for test in tests["tests"]:
        for check in test["alert_rule_test"]:
            (fired if check.get("exp_alerts") else silent).add(check["alertname"])
    names = {rule["alert"] for rule in _alerts()}
    assert fired == silent == names


def test_the_dashboard_is_what_its_generator_writes() -> None:
    written = (MONITORING / "grafana" / "outdial.json").read_text(encoding="utf-8")
    assert written == text(), "write it again, as outdial.metrics.dashboard says"


def test_panels_are_whole_and_do_not_overlap() -> None:
    panels = _panels()
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for at in (panel["gridPos"] for panel in panels)
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    source = YAML(typ="safe").load((MONITORING / "grafana" / "datasource.yml").read_text())
    (uid,) = (each["uid"] for each in source["datasources"])
    for panel in panels:
        for target in panel.get("targets", ()):
            assert target["datasource"]["uid"] == panel["datasource"]["uid"] == uid


# --- Prometheus' own tool ---------------------------------------------------------------------


def _promtool(*arguments: str | Path) -> str:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    done = subprocess.run(
        [tool, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_alerts_fire_in_their_faults_and_clear() -> None:
    _promtool("test", "rules", MONITORING / "rules.test.yml")


def test_promtool_accepts_every_expression(tmp_path: Path) -> None:
    _promtool("check", "rules", MONITORING / "rules.yml")
    queries = [
        {"record": f"panel:{index}", "expr": expr.replace("$__rate_interval", "1m")}
        for index, expr in enumerate(_expressions())
    ]
    rules = tmp_path / "panels.yml"
    rules.write_text(json.dumps({"groups": [{"name": "panels", "rules": queries}]}))
    _promtool("check", "rules", rules)


def test_promtool_accepts_the_configuration(tmp_path: Path) -> None:
    """With the paths that its container has."""
    config = (MONITORING / "prometheus.yml").read_text(encoding="utf-8")
    (tmp_path / "token").write_text("token")
    shutil.copy(MONITORING / "rules.yml", tmp_path / "rules.yml")
    here = tmp_path / "prometheus.yml"
    here.write_text(config.replace("/etc/prometheus", str(tmp_path)))
    _promtool("check", "config", here)
