"""The files for Kubernetes: what kustomize makes of them is valid, and fits what the program expects
(operating.md, "Kubernetes")."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from deploy.k8s.build import HERE, OPERATORS_RULES, operators_rules
from deploy.local.engine import Unavailable
from shared import registry, settings
from tests.conftest import absent
from tests.services import KUBECTL

VERSION = "1.32"
OVERLAYS = ("small", "large")
CUSTOM = {"ScaledObject", "PodMonitor", "PrometheusRule"}
_OPERATOR = "example/prometheus-operator-crd/monitoring.coreos.com_"
MODULES = {
    "github.com/kedacore/keda/v2@v2.17.0": ["config/crd/bases/keda.sh_scaledobjects.yaml"],
    "github.com/prometheus-operator/prometheus-operator@v0.82.0": [
        f"{_OPERATOR}podmonitors.yaml",
        f"{_OPERATOR}prometheusrules.yaml",
    ],
}
"""Go modules that hold the schemas of resources which are not Kubernetes' own -> the files."""

Resource = dict[str, Any]


@pytest.fixture(scope="module")
def made() -> Mapping[str, list[Resource]]:
    """Overlay -> its resources."""
    return {overlay: resources_of(HERE / "overlays" / overlay) for overlay in OVERLAYS}


def resources_of(folder: Path) -> list[Resource]:
    if (kubectl := shutil.which("kubectl")) is None:
        absent(KUBECTL, Unavailable("no kubectl: install it, 1.27 or newer"))
    done = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def test_with_the_component_spool_each_gateway_has_a_disk_of_its_own(tmp_path: Path) -> None:
    paths = [os.path.relpath(HERE / each, tmp_path) for each in ("overlays/large", "components/spool")]
    made = {"namespace": "sluice", "resources": paths[:1], "components": paths[1:]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(made))
    resources = resources_of(tmp_path)
    (gateways,) = [each for each in resources if each["kind"] == "StatefulSet"]
    kubernetes_validate.validate(gateways, VERSION, strict=True)
    spec = gateways["spec"]
    (config,) = [each["data"] for each in resources if each["kind"] == "ConfigMap"]
    mounts = {each["name"]: each["mountPath"] for each in spec["template"]["spec"]["containers"][0]["volumeMounts"]}
    assert mounts["spool"] == config["SLUICE_GATEWAY_SPOOL"]
    assert [each["metadata"]["name"] for each in spec["volumeClaimTemplates"]] == ["spool"]
    assert spec["serviceName"] in [each["metadata"]["name"] for each in resources if each["kind"] == "Service"]
    (scaled,) = [each for each in resources if each["kind"] == "HorizontalPodAutoscaler"]
    assert scaled["spec"]["scaleTargetRef"]["kind"] == "StatefulSet"
    assert scaled["spec"]["behavior"] == {"scaleDown": {"selectPolicy": "Disabled"}}
    kubernetes_validate.validate(scaled, VERSION, strict=True)
    assert "gateway" not in [each["metadata"]["name"] for each in resources if each["kind"] == "Deployment"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_resource_is_valid(made: Mapping[str, list[Resource]], overlay: str) -> None:
    for resource in made[overlay]:
        assert resource["metadata"]["namespace"] == "sluice", resource
        if resource["kind"] not in CUSTOM:
            kubernetes_validate.validate(resource, VERSION, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_runs_with_little_and_finds_its_settings(made: Mapping[str, list[Resource]], overlay: str) -> None:
    """The settings are loaded as a process would, from the config map."""
    (config,) = [each for each in made[overlay] if each["kind"] == "ConfigMap"]
    named = {f"SLUICE_{name}" for name in config["data"]}
    assert named
    pods = list(pods_of(made[overlay]))
    assert len(pods) > 6
    for name, pod in pods:
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["capabilities"]["drop"] == ["ALL"], name
            assert container["envFrom"] == [{"configMapRef": {"name": config["metadata"]["name"]}}], name
            assert "memory" in container["resources"]["limits"], name


def pods_of(resources: list[Resource]) -> Iterator[tuple[str, Resource]]:
    for each in resources:
        if each["kind"] in ("Deployment", "Job"):
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_settings_are_those_of_the_program(
    made: Mapping[str, list[Resource]], overlay: str, tmp_path: Path
) -> None:
    (config,) = [each["data"] for each in made[overlay] if each["kind"] == "ConfigMap"]
    urls = {
        "clickhouse_url": "clickhouse://a@c:9000/sluice",
        "clickhouse_read_url": "clickhouse://r@c:9000/sluice",
        "postgres_url": "postgresql://p@c/sluice",
        "redis_url": "redis://c:6379/0",
    }
    for name, url in urls.items():
        (tmp_path / name).write_text(url)
    environment = {name: value.replace("/run/secrets/sluice", str(tmp_path)) for name, value in config.items()}
    loaded = settings.load(environment)
    assert loaded.clickhouse_read_url.reveal() == urls["clickhouse_read_url"]
    assert loaded.gateway.admin_port == loaded.writer.metrics_port == 9100
    known = set(settings.variables())
    assert [name for name in config if name not in known] == []


def test_there_is_a_writer_for_every_signal(made: Mapping[str, list[Resource]]) -> None:
    signals = sorted(registry.load().signals)
    wanted = {name: ["writer", name, "--no-overflow"] for name in signals} | {"overflow": ["writer", "--overflow"]}
    for overlay in OVERLAYS:
        pods = [(name, pod) for name, pod in pods_of(made[overlay]) if name.startswith("writer-")]
        assert {name.removeprefix("writer-"): pod["containers"][0]["args"] for name, pod in pods} == wanted
    scaled = [each for each in made["large"] if each["kind"] == "ScaledObject"]
    assert sorted(each["spec"]["scaleTargetRef"]["name"] for each in scaled) == [f"writer-{name}" for name in signals]
    group = settings.load({}).writer.group
    assert {each["spec"]["triggers"][0]["metadata"]["consumerGroup"] for each in scaled} == {
        f"{group}.{name}" for name in signals
    }


def test_the_operators_alerts_are_those_of_prometheus() -> None:
    assert OPERATORS_RULES.read_text() == operators_rules(), "run: python -m deploy.k8s.build"


@pytest.fixture(scope="module")
def schemas() -> Mapping[str, Resource]:
    """Kind -> the schema of a resource that is not Kubernetes' own."""
    if shutil.which("go") is None:
        pytest.skip("no go, which fetches the schemas")
    found: dict[str, Resource] = {}
    for module, files in MODULES.items():
        done = subprocess.run(["go", "mod", "download", "-json", module], capture_output=True, text=True, timeout=200)
        if done.returncode:
            pytest.skip(f"go can't fetch {module}: {done.stderr[-300:]} {done.stdout[-300:]}")
        for file in files:
            definition = yaml.safe_load((Path(json.loads(done.stdout)["Dir"]) / file).read_text())
            found[definition["spec"]["names"]["kind"]] = definition["spec"]["versions"][-1]["schema"]["openAPIV3Schema"]
    return found


def test_resources_of_operators_fit_their_schemas(
    made: Mapping[str, list[Resource]], schemas: Mapping[str, Resource]
) -> None:
    checked = [each for each in made["large"] if each["kind"] in CUSTOM]
    assert {each["kind"] for each in checked} == CUSTOM
    for resource in checked:
        validate(resource, schemas)


def closed(schema: Any) -> Any:
    """The schema with no field allowed that it does not name: as the API server prunes, a misspelt one is an error."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: closed(value) for name, value in schema.items()}
    if "(?i)" in str(made.get("pattern")):  # Go takes it anywhere, Python in front alone
        made["pattern"] = "(?i)" + made["pattern"].replace("(?i)", "")
    if "properties" in made and not {"additionalProperties", "x-kubernetes-preserve-unknown-fields"} & made.keys():
        made["additionalProperties"] = False
        if made.get("properties", {}).get("metadata") == {"type": "object"}:
            made["properties"]["metadata"] = {}
    return made


@pytest.mark.parametrize("kind", ["Deployment", *sorted(CUSTOM)])
def test_a_misspelt_field_is_found(
    made: Mapping[str, list[Resource]], schemas: Mapping[str, Resource], kind: str
) -> None:
    resource = next(each for each in made["large"] if each["kind"] == kind)
    misspelt = {**resource, "spec": {**resource["spec"], "replcas": 2}}
    with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
        validate(misspelt, schemas)


def validate(resource: Resource, schemas: Mapping[str, Resource]) -> None:
    """Against the schema of its kind. Raises what the library raises."""
    if resource["kind"] in CUSTOM:
        jsonschema.validate(resource, closed(schemas[resource["kind"]]))
    else:
        kubernetes_validate.validate(resource, VERSION, strict=True)
