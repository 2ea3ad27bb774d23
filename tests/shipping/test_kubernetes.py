"""The Kubernetes manifest: valid, locked down, and in step with the settings."""

import http.client
import threading
from typing import Any

import kubernetes_validate
import pytest

import celeryconfig
from mutt_tasks import __version__, health
from mutt_tasks.settings import load
from tests.shipping.files import (
    KNOWN,
    SECRETS,
    container,
    default_of,
    last,
    manifest,
    manifests,
    pod,
)

COMPONENTS = ("worker", "beat")
OLDEST, NEWEST = "1.27", "1.37"


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("found", manifests(), ids=lambda found: str(found["kind"]))
def test_an_object_satisfies_the_kubernetes_schema(found: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(found, version, strict=True)


def test_nothing_is_tied_to_a_namespace() -> None:
    assert all("namespace" not in found["metadata"] for found in manifests())


@pytest.mark.parametrize("component", COMPONENTS)
def test_there_is_one_of_each_and_the_old_one_ends_before_the_new_one_starts(
    component: str,
) -> None:
    spec = manifest("Deployment", f"mutt-remediation-{component}")["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_deployment_selects_its_own_pods_alone(component: str) -> None:
    spec = manifest("Deployment", f"mutt-remediation-{component}")["spec"]
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"]["app.kubernetes.io/component"] == component


def test_the_service_and_the_budget_are_about_the_worker_and_the_policy_about_both() -> None:
    worker = manifest("Deployment", "mutt-remediation-worker")["spec"]["selector"]["matchLabels"]
    budget = manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"]
    assert manifest("Service")["spec"]["selector"] == budget == worker
    policy = manifest("NetworkPolicy")["spec"]["podSelector"]["matchLabels"]
    for component in COMPONENTS:
        found = manifest("Deployment", f"mutt-remediation-{component}")
        assert policy.items() <= found["spec"]["template"]["metadata"]["labels"].items()


# --- the environment ---


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_variable_is_a_setting(component: str) -> None:
    names = {entry["name"] for entry in container(component)["env"]}
    assert names | set(manifest("ConfigMap")["data"]) <= KNOWN


def test_the_configuration_is_one_that_the_program_takes() -> None:
    assert load(manifest("ConfigMap")["data"]).redis.hosts == (("redis", 6379),)


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_configuration_reaches_the_program(component: str) -> None:
    assert container(component)["envFrom"] == [{"configMapRef": {"name": "mutt-remediation"}}]


@pytest.mark.parametrize("component", COMPONENTS)
def test_secrets_come_from_the_secret_and_none_has_to_be_there(component: str) -> None:
    assert not SECRETS & set(manifest("ConfigMap")["data"])
    for entry in container(component)["env"]:
        if entry["name"] == "POD_NAME":
            assert entry["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
        else:
            reference = {"name": "mutt-remediation", "key": entry["name"], "optional": True}
            assert entry == {"name": entry["name"], "valueFrom": {"secretKeyRef": reference}}


def test_the_worker_can_be_given_every_secret_and_beat_only_those_of_redis() -> None:
    given = {
        component: {entry["name"] for entry in container(component)["env"]} - {"POD_NAME"}
        for component in COMPONENTS
    }
    assert given["worker"] == SECRETS
    assert given["beat"] == {"REDIS_PASSWORD", "REDIS_URL", "CELERY_BROKER_URL"}


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_service_called_redis_does_not_set_our_variables(component: str) -> None:
    assert pod(component)["enableServiceLinks"] is False


# --- what it may do ---


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_pod_runs_as_the_image_s_user_and_can_do_no_more_than_it_needs_to(component: str) -> None:
    user, group = map(int, last("USER").split(":"))
    assert pod(component)["securityContext"] == {
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
    assert not {"hostNetwork", "hostPID", "hostIPC", "volumes"} & set(pod(component))


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_pod_has_no_key_to_the_cluster(component: str) -> None:
    assert pod(component)["serviceAccountName"] == manifest("ServiceAccount")["metadata"]["name"]
    assert pod(component)["automountServiceAccountToken"] is False
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
    assert outward == names | redis | {("TCP", 443), ("TCP", 80)}
    assert all(rule.get("ports") for way in ("ingress", "egress") for rule in spec[way])


# --- start, health, stop ---


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_image_is_that_of_this_version(component: str) -> None:
    assert container(component)["image"] == f"mutt-remediation:{__version__}"


def test_the_worker_is_what_the_image_runs_by_itself() -> None:
    assert not {"command", "args"} & set(container("worker"))
    assert container("beat")["command"] == ["celery", "-A", "mutt_tasks", "beat"]


def test_the_worker_may_end_its_step_before_it_is_killed() -> None:
    assert pod("worker")["terminationGracePeriodSeconds"] > celeryconfig.task_time_limit


def test_ports_are_those_of_the_settings() -> None:
    ports = {port["name"]: port["containerPort"] for port in container("worker")["ports"]}
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
    annotations = manifest("Deployment", "mutt-remediation-worker")["spec"]["template"]["metadata"][
        "annotations"
    ]
    assert annotations == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": default_of("METRICS_PORT_REMEDIATION"),
        "prometheus.io/path": "/metrics",
    }
    assert manifest("Service")["spec"]["publishNotReadyAddresses"] is True


@pytest.mark.parametrize("reason", ["", "Redis does not answer"])
def test_only_readiness_depends_on_redis(reason: str) -> None:
    probes = {
        name: container("worker")[f"{name}Probe"]["httpGet"]
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
