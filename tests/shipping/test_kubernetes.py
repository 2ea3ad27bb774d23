"""The Kubernetes manifest: valid, locked down, and in step with the settings."""

import http.client
import threading
from typing import Any

import kubernetes_validate
import pytest
import yaml

import celeryconfig
from mutt_tasks import __version__
from mutt_tasks.settings import VARIABLES, load, warnings
from mutt_tasks.settings.variable import Variable, known_names
from mutt_tasks.telemetry import health
from tests.shipping.files import (
    KNOWN,
    KUBERNETES,
    SECRETS,
    container,
    container_environment,
    default_of,
    last,
    manifest,
    manifests,
    pod,
)

COMPONENTS = ("remediation", "beat")
SELECTED = {"app": "mutt", "component": "remediation"}
# MUTT's own objects, in the two spellings that it has: as variables, and as dotted keys.
MUTTS = {
    "as variables": {
        ("ConfigMap", "mutt-config"): {
            "SERVER_PORT_ALERTER": "8081",
            "REDIS_HOST": "mutts",
            "REDIS_PORT": "6380",
            "REDIS_TLS_ENABLED": "false",
            "MOOG_WEBHOOK_URL": "http://moogsoft/",
            "REMEDIATION_INTERVAL": "60",
        },
        ("Secret", "mutt-secrets"): {
            "DB_PASS_CURRENT": "not ours",
            "REDIS_PASS_CURRENT": "now",
            "REDIS_PASS_NEXT": "soon",
            "MOOG_API_KEY": "key",
        },
    },
    "as dotted keys": {
        ("ConfigMap", "mutt-config"): {
            "redis.host": "mutts",
            "redis.port": "6380",
            "remediation.interval": "60",
            "remediation.batch_size": "10",
            "remediation.max_poison_retries": "3",
            "dynamic.config.enabled": "false",
        },
        ("Secret", "mutt-secrets"): {
            "moog.webhook.url": "http://moogsoft/",
            "REDIS_PASS_CURRENT": "now",
            "REDIS_PASS_NEXT": "soon",
            "MOOG_API_KEY": "key",
        },
    },
}
OLDEST, NEWEST = "1.27", "1.37"


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("found", manifests(), ids=lambda found: str(found["kind"]))
def test_an_object_satisfies_the_kubernetes_schema(found: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(found, version, strict=True)


def test_the_namespace_is_the_choice_of_one_line() -> None:
    assert {found["metadata"]["namespace"] for found in manifests()} == {"mutt"}
    text = KUBERNETES.read_text()
    assert text.count("&namespace mutt ") == 1
    changed = yaml.safe_load(text.replace("&namespace mutt ", "&namespace ops "))["items"]
    assert {found["metadata"]["namespace"] for found in changed} == {"ops"}


def test_the_objects_have_the_names_and_labels_that_mutts_operators_ask_for() -> None:
    names = {found["kind"]: found["metadata"]["name"] for found in manifests()}
    assert names.pop("PodDisruptionBudget") == "mutt-remediation-pdb"
    assert set(names.values()) == {"mutt-remediation"}
    labels = [found["metadata"]["labels"] for found in manifests()]
    labels.append(manifest("Deployment")["spec"]["template"]["metadata"]["labels"])
    for found in labels:
        assert found.items() >= SELECTED.items()
        assert found["app.kubernetes.io/name"] == "mutt-remediation"


def test_it_can_be_applied_over_mutts_own_deployment() -> None:
    """A selector cannot be changed; the old pod's loop has to end before ours begins."""
    spec = manifest("Deployment")["spec"]
    assert spec["selector"] == {"matchLabels": SELECTED}
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}
    assert pod()["containers"][0]["name"] == "remediation"


def test_logs_are_the_workers_unless_beat_is_asked_for() -> None:
    annotations = manifest("Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["kubectl.kubernetes.io/default-container"] == "remediation"


def test_service_budget_and_policy_are_about_the_pod() -> None:
    assert manifest("Service")["spec"]["selector"] == SELECTED
    assert manifest("PodDisruptionBudget")["spec"]["selector"] == {"matchLabels": SELECTED}
    assert manifest("NetworkPolicy")["spec"]["podSelector"] == {"matchLabels": SELECTED}


# --- the environment ---


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_variable_is_a_setting(component: str) -> None:
    names = {entry["name"] for entry in container(component)["env"]}
    assert names | set(manifest("ConfigMap")["data"]) <= KNOWN


def test_the_configuration_is_one_that_the_program_takes() -> None:
    assert load(manifest("ConfigMap")["data"]).redis.address.hosts == (("redis", 6379),)


@pytest.mark.parametrize("variable", VARIABLES.values(), ids=lambda variable: str(variable.name))
@pytest.mark.parametrize("component", COMPONENTS)
def test_every_setting_reaches_the_container_by_each_of_its_names(
    component: str, variable: Variable
) -> None:
    for name in known_names([variable]):
        kind = "Secret" if name in SECRETS else "ConfigMap"
        given = {("ConfigMap", "mutt-remediation"): {}, (kind, "mutt-remediation"): {name: "x"}}
        if name == "POD_NAME":
            (entry,) = (e for e in container(component)["env"] if e["name"] == name)
            assert entry["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
        else:
            assert container_environment(component, given) == {name: "x"}


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_file_that_a_variable_names_can_be_put_into_the_container(component: str) -> None:
    (volume,) = pod()["volumes"]
    assert volume["secret"] == {"secretName": "mutt-remediation-files", "optional": True}
    mount = {"name": volume["name"], "mountPath": "/run/mutt", "readOnly": True}
    assert container(component)["volumeMounts"] == [mount]


@pytest.mark.parametrize("component", COMPONENTS)
def test_it_starts_without_any_object_but_its_own(component: str) -> None:
    ours = {("ConfigMap", "mutt-remediation"): manifest("ConfigMap")["data"]}
    assert container_environment(component, ours) == manifest("ConfigMap")["data"]


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize("spelling", MUTTS)
def test_it_adopts_mutts_configmap_and_secret(component: str, spelling: str) -> None:
    ours = {("ConfigMap", "mutt-remediation"): manifest("ConfigMap")["data"]}
    env = container_environment(component, ours | MUTTS[spelling])
    settings = load(env)
    assert settings.redis.address.hosts == (("mutts", 6380),)
    assert (settings.redis.address.password, settings.redis.address.next_password) == (
        "now",
        "soon",
    )
    assert (settings.moogsoft.webhook_url, settings.moogsoft.api_key) == ("http://moogsoft/", "key")
    assert settings.pace.interval == 60
    assert warnings(settings, env) == []
    # Other services' secrets are none of our business.
    assert "not ours" not in env.values()


def test_no_secret_stands_in_the_manifest() -> None:
    assert not SECRETS & set(manifest("ConfigMap")["data"])
    for component in COMPONENTS:
        assert all("value" not in entry for entry in container(component)["env"])


def test_a_service_called_redis_does_not_set_our_variables() -> None:
    assert pod()["enableServiceLinks"] is False


# --- what it may do ---


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_pod_runs_as_the_image_s_user_and_can_do_no_more_than_it_needs_to(component: str) -> None:
    user, group = map(int, last("USER").split(":"))
    assert pod()["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": group,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(component)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod())
    assert [set(volume) for volume in pod()["volumes"]] == [{"name", "secret"}]


def test_a_pod_has_no_key_to_the_cluster() -> None:
    assert pod()["serviceAccountName"] == manifest("ServiceAccount")["metadata"]["name"]
    assert pod()["automountServiceAccountToken"] is False
    assert manifest("ServiceAccount")["automountServiceAccountToken"] is False


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_pod_asks_for_what_it_needs_and_cannot_fill_its_node(component: str) -> None:
    resources = container(component)["resources"]
    assert {"cpu", "memory"} <= set(resources["requests"])
    assert "memory" in resources["limits"]


def test_the_network_policy_lets_in_and_out_what_there_is_and_nothing_else() -> None:
    spec = manifest("NetworkPolicy")["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    inward, outward = (
        {(port["protocol"], port["port"]) for rule in spec[way] for port in rule["ports"]}
        for way in ("ingress", "egress")
    )
    assert inward == {("TCP", port["port"]) for port in manifest("Service")["spec"]["ports"]}
    names = {("UDP", 53), ("TCP", 53)}
    redis = {("TCP", int(default_of("REDIS_PORT"))), ("TCP", 26379)}
    prometheus = {("TCP", 9090)}
    assert outward == names | redis | prometheus | {("TCP", 443), ("TCP", 80)}
    assert all(rule.get("ports") for way in ("ingress", "egress") for rule in spec[way])


def test_the_network_policy_names_every_variable_that_can_need_another_port() -> None:
    text = KUBERNETES.read_text()
    told = text[text.index("  # By ports alone") : text.index("kind: NetworkPolicy")]
    for name in ("REDIS_PORT", "REDIS_URL", "CELERY_BROKER_URL", "MOOG_WEBHOOK_URL"):
        assert name in told
    for name in ("MOOG_HEALTH_URL", "HTTPS_PROXY", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        assert name in told


# --- start, health, stop ---


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_image_is_that_of_this_version(component: str) -> None:
    assert container(component)["image"] == f"mutt-remediation:{__version__}"


def test_the_worker_is_what_the_image_runs_by_itself() -> None:
    assert not {"command", "args"} & set(container("remediation"))
    assert container("beat")["command"] == ["celery", "-A", "mutt_tasks", "beat"]


def test_the_worker_may_end_its_step_before_it_is_killed() -> None:
    assert pod()["terminationGracePeriodSeconds"] > celeryconfig.task_time_limit


def test_ports_are_those_of_the_settings() -> None:
    ports = {port["name"]: port["containerPort"] for port in container("remediation")["ports"]}
    assert ports == {
        "metrics": int(default_of("METRICS_PORT_REMEDIATION")),
        "health": int(default_of("HEALTH_PORT_REMEDIATION")),
    }
    served = manifest("Service")["spec"]["ports"]
    assert {port["targetPort"]: port["port"] for port in served} == ports
    assert not set(manifest("ConfigMap")["data"]) & {
        "METRICS_PORT_REMEDIATION",
        "HEALTH_PORT_REMEDIATION",
        "REMEDIATION_LISTEN_ADDRESS",
    }


def test_prometheus_finds_the_metrics_even_of_a_worker_that_is_not_ready() -> None:
    annotations = manifest("Deployment")["spec"]["template"]["metadata"]["annotations"]
    wanted = {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": default_of("METRICS_PORT_REMEDIATION"),
        "prometheus.io/path": "/metrics",
    }
    assert annotations.items() >= wanted.items()
    assert manifest("Service")["spec"]["publishNotReadyAddresses"] is True


@pytest.mark.parametrize("reason", ["", "Redis does not answer"])
def test_only_readiness_depends_on_redis(reason: str) -> None:
    probes = {
        name: container("remediation")[f"{name}Probe"]["httpGet"]
        for name in ("startup", "liveness", "readiness")
    }
    assert {probe["port"] for probe in probes.values()} == {"health"}
    server = health.server("127.0.0.1", 0, lambda: reason)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    statuses = {}
    for name, probe in probes.items():
        connection = http.client.HTTPConnection("127.0.0.1", int(server.server_address[1]))
        connection.request("GET", probe["path"])
        statuses[name] = connection.getresponse().status
        connection.close()
    server.shutdown()
    thread.join()
    server.server_close()
    assert statuses == {"startup": 200, "liveness": 200, "readiness": 503 if reason else 200}


def test_beat_is_alive_while_it_answers_to_its_name() -> None:
    probe = container("beat")["livenessProbe"]
    shell, dash_c, command = probe["exec"]["command"]
    assert (shell, dash_c) == ("sh", "-c")
    assert "celery -A mutt_tasks inspect ping -d celerybeat@$HOSTNAME " in command
    assert celeryconfig.beat_enable_remote_control
    # Redis may be away for a while before it is worth a restart.
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 300


def test_a_drain_of_the_node_is_never_held_up() -> None:
    budget = manifest("PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] == 1
    assert "minAvailable" not in budget
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
