// Who a process says it is, and what is made of hostile answers.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import {
  type Evidence,
  isWantedVariable,
  serviceOf,
  tunablesInEffect,
  tunablesOf,
} from "../../../collector/identity/service.ts";

type Variables = Readonly<Record<string, string>>;
const environ = (variables: Variables) => new Map(Object.entries(variables));

const POD_UID = "3f2b8c1e-9d4a-4c6b-8e2f-5a7d9c0b1e3f";
const nothing: Evidence = { environ: environ({}), ecs: null, pod_uid: null, unit: null, executable: null, comm: "MainThread" };
const named = (variables: Variables, other: Partial<Evidence> = {}) =>
  serviceOf({ ...nothing, ...other, environ: environ(variables) });

test("the service comes from the best source there is, and the row says which", () => {
  const everything: Omit<Evidence, "environ"> = {
    ecs: { service: "shop/cart", version: "24", container_id: null },
    pod_uid: POD_UID,
    unit: "cart-unit",
    executable: "node",
    comm: "MainThread",
  };
  const variables: Variables = {
    OTEL_SERVICE_NAME: "checkout",
    OTEL_RESOURCE_ATTRIBUTES: "service.name=cart,service.version=2.0,deployment.environment.name=prod%20eu",
    TIDEMARK_SERVICE: "basket",
    POD_NAME: "pod-cart-7d4b9c6f5d-x2x9z",
  };
  const steps: readonly (readonly [service: string, source: string, gone: readonly string[]])[] = [
    ["checkout", "otel", ["OTEL_SERVICE_NAME"]],
    ["cart", "otel", ["OTEL_RESOURCE_ATTRIBUTES"]],
    ["basket", "tidemark", ["TIDEMARK_SERVICE"]],
    ["shop/cart", "ecs", ["ecs"]],
    ["pod-cart", "kubernetes", ["pod_uid"]],
    ["cart-unit", "systemd", ["unit"]],
    ["node", "executable", ["executable"]],
    ["MainThread", "comm", ["comm"]],
    ["unknown", "comm", []],
  ];
  const gone = new Set<string>();
  for (const [service, source, next] of steps) {
    const left = Object.fromEntries(Object.entries(variables).filter(([name]) => !gone.has(name)));
    const evidence = Object.fromEntries(
      Object.entries(everything).map(([name, value]) => [name, gone.has(name) ? null : value]),
    );
    const found = named(left, { ...evidence, comm: gone.has("comm") ? "\u0007" : "MainThread" });
    deepEqual([found.service, found.service_source], [service, source]);
    for (const name of next) gone.add(name);
  }
});

test("version and environment come each from the first source that has one, whoever gave the name", () => {
  const ecs = { service: "shop/cart", version: "24", container_id: null };
  const pod = { KUBERNETES_SERVICE_HOST: "10.0.0.1", APP_VERSION: "9.1", POD_NAMESPACE: "staging" };
  const cases: readonly (readonly [Variables, Partial<Evidence>, readonly (string | null)[]])[] = [
    [{ OTEL_RESOURCE_ATTRIBUTES: "service.version=2.0,deployment.environment.name=prod%20eu" }, { ecs }, ["2.0", "prod eu"]],
    [{ OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=stage,broken,=x,bad=%ZZ" }, {}, [null, "stage"]],
    [{ TIDEMARK_SERVICE_VERSION: "3", TIDEMARK_ENVIRONMENT: "prod", ...pod }, { ecs }, ["3", "prod"]],
    [{ OTEL_SERVICE_NAME: "cart" }, { ecs }, ["24", null]],
    [pod, {}, ["9.1", "staging"]],
    [{}, { unit: "cart" }, [null, null]],
  ];
  for (const [variables, evidence, expected] of cases) {
    const { service_version, environment } = named(variables, evidence);
    deepEqual([service_version, environment], expected);
  }
});

test("names lose control characters, marks of direction, and what exceeds 255 characters; blank ones do not count", () => {
  const cases: readonly (readonly [string, string])[] = [
    [`a\u001b[2Jb\n${"x".repeat(400)}`, `a[2Jb${"x".repeat(250)}`],
    ["pay\u202egnp.exe\u2066\u2028\u0085", "paygnp.exe"],
    [`${"x".repeat(254)}\u{1f600}`, "x".repeat(254)],
    ["zażółć-\u{1f600}", "zażółć-\u{1f600}"],
    ["  \t", "node"],
  ];
  for (const [name, service] of cases) equal(named({ OTEL_SERVICE_NAME: name }, { executable: "node" }).service, service);
  for (const source of ["TIDEMARK_SERVICE", "TIDEMARK_SERVICE_VERSION", "TIDEMARK_ENVIRONMENT"]) {
    const { service, service_version, environment } = named({ [source]: `a\u0000\r\n${"b".repeat(300)}` });
    equal([service, service_version, environment].includes(`a${"b".repeat(254)}`), true, source);
  }
});

test("tunables list allocator settings alone, sorted, and are null without any", () => {
  const variables = { PATH: "/bin", MALLOC_CONF: "narenas:1", GLIBC_TUNABLES: "glibc.malloc.arena_max=2", PASSWORD: "x" };
  const wanted = new Map(Object.entries(variables).filter(([name]) => isWantedVariable(name)));
  equal(tunablesOf(wanted), "GLIBC_TUNABLES=glibc.malloc.arena_max=2 MALLOC_CONF=narenas:1");
  equal(tunablesOf(environ({})), null);
});

test("what is in effect comes before what was asked for, both stay visible, and nothing is said twice", () => {
  equal(tunablesInEffect("narenas=8", null), "narenas=8");
  equal(tunablesInEffect("narenas=8", "MALLOC_CONF=narenas:8"), "narenas=8 environment: MALLOC_CONF=narenas:8");
  const env = "LD_PRELOAD=/a.so MIMALLOC_PURGE_DELAY=0";
  equal(
    tunablesInEffect("MIMALLOC_PURGE_DELAY=0 purge_delay=0", env),
    "MIMALLOC_PURGE_DELAY=0 purge_delay=0 environment: LD_PRELOAD=/a.so",
  );
  equal(tunablesInEffect("A=1 B=2", "B=2 A=1"), "A=1 B=2");
  const long = tunablesInEffect("x".repeat(1_024), `Y=${"y".repeat(2_000)}`) ?? "";
  equal(long.length, 1_024);
  equal(long.includes(" environment: Y=yyy"), true);
});

test("no variable beyond the known names is ever wanted", () => {
  for (const name of [
    "PASSWORD",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "K8S_TOKEN",
    "POD_IP",
    "MALLOC",
    "XMALLOC_CONF",
    "malloc_conf",
  ])
    equal(isWantedVariable(name), false);
});
