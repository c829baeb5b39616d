// Who a process says it is, and what is made of hostile answers.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { isWantedVariable, serviceOf, tunablesInEffect, tunablesOf } from "../../../collector/identity/service.ts";

const environ = (variables: Readonly<Record<string, string>>) => new Map(Object.entries(variables));

test("the service is OTEL_SERVICE_NAME, else service.name, else the executable, else comm", () => {
  const attributes = "service.name=cart,service.version=2.0,deployment.environment.name=prod%20eu";
  const cases: readonly [Readonly<Record<string, string>>, string | null, string][] = [
    [{ OTEL_SERVICE_NAME: "checkout", OTEL_RESOURCE_ATTRIBUTES: attributes }, "node", "checkout"],
    [{ OTEL_RESOURCE_ATTRIBUTES: attributes }, "node", "cart"],
    [{ OTEL_SERVICE_NAME: "  " }, "node", "node"],
    [{}, null, "MainThread"],
  ];
  for (const [variables, executable, service] of cases)
    equal(serviceOf(environ(variables), executable, "MainThread").service, service);
});

test("version and environment come from the resource attributes, in the new and the old spelling", () => {
  const modern = serviceOf(
    environ({ OTEL_RESOURCE_ATTRIBUTES: "service.version=2.0,deployment.environment.name=prod%20eu" }),
    null,
    "x",
  );
  deepEqual([modern.service_version, modern.environment], ["2.0", "prod eu"]);
  const old = serviceOf(environ({ OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=stage,broken,=x,bad=%ZZ" }), null, "x");
  deepEqual([old.service_version, old.environment], [null, "stage"]);
});

test("names lose control characters and what exceeds 255 characters", () => {
  const hostile = serviceOf(environ({ OTEL_SERVICE_NAME: `a\u001b[2Jb\n${"x".repeat(400)}` }), null, "x");
  equal(hostile.service, `a[2Jb${"x".repeat(250)}`);
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
  for (const name of ["PASSWORD", "AWS_SECRET_ACCESS_KEY", "MALLOC", "XMALLOC_CONF", "malloc_conf"])
    equal(isWantedVariable(name), false);
});
