// Apps by the variables of their pods, and by what controllers call pods.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { isKubernetesVariable, podNames } from "../../../collector/identity/kubernetes.ts";

const UID = "3f2b8c1e-9d4a-4c6b-8e2f-5a7d9c0b1e3f";
const names = (variables: Readonly<Record<string, string>>, uid: string | null = UID) =>
  podNames(new Map(Object.entries(variables)), uid);

test("the app's own variable comes first, then the pod's name without what its controller put behind", () => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, string | null])[] = [
    [{ K8S_APP_NAME: "checkout", POD_NAME: "other-0" }, "checkout"],
    [{ APP_NAME: "checkout", CONTAINER_NAME: "checkout" }, "checkout"],
    [{ K8S_DEPLOYMENT_NAME: "checkout", K8S_CONTAINER_NAME: "istio-proxy" }, "checkout/istio-proxy"],
    [{ POD_NAME: "checkout-api-7d4b9c6f5d-x2x9z" }, "checkout-api"],
    [{ MY_POD_NAME: "db-0" }, "db"],
    [{ K8S_POD_NAME: "agent-x2x9z" }, "agent"],
    [{ POD_NAME: "my-proxy" }, "my-proxy"],
    [{ POD_NAME: "alone" }, "alone"],
    [{ HOSTNAME: "checkout-7d4b9c6f5d-x2x9z" }, "checkout"],
    [{ HOSTNAME: "ip-10-0-0-7.ec2.internal" }, null],
    [{ HOSTNAME: "worker-1" }, null],
    [{ CONTAINER_NAME: "sidecar" }, null],
    [{}, null],
  ];
  for (const [variables, service] of cases) equal(names(variables).service, service, JSON.stringify(variables));
});

test("outside of a pod the same variables mean nothing", () => {
  const variables = { APP_NAME: "x", POD_NAME: "y", APP_VERSION: "1", POD_NAMESPACE: "z" };
  deepEqual(names(variables, null), { service: null, service_version: null, environment: null });
  deepEqual(names({ ...variables, KUBERNETES_SERVICE_HOST: "10.96.0.1" }, null), {
    service: "x",
    service_version: "1",
    environment: "z",
  });
});

test("of a pod's environment nothing but these names is looked at", () => {
  for (const name of ["KUBERNETES_SERVICE_PORT", "K8S_SECRET", "DATABASE_URL", "POD_IP"])
    equal(isKubernetesVariable(name), false);
});

test("a hostile pod name costs linear time", () => {
  for (const pod of ["-x2x9z".repeat(50_000), "b".repeat(200_000), `${"-".repeat(200_000)}!`])
    equal((names({ POD_NAME: pod }).service ?? "").length <= 255, true);
});
