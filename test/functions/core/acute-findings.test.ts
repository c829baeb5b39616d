// From rows of the acute queries to findings: whom each is about, what belongs together, and what it says.
// Which rows there are is test/queries/acute.test.ts's.
import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { test } from "node:test";
import { type AcuteRows, toAcuteFindings } from "../../../functions/core/acute-findings.ts";
import { type AcuteQuery, acuteQueries } from "../../../functions/core/acute-hits.ts";
import { causeNames } from "../../../functions/core/causes.ts";
import type { ResultRow } from "../../../functions/edges.ts";
import { readCatalogue } from "../../../queries/catalogue.ts";

const NOW_MS = Date.UTC(2026, 10, 23, 12);
const MIB = 1_024 * 1_024;
const catalogue = readCatalogue();

const texts = new Set(["environment", "swap_device_kind", "thp_enabled", "autoscaling_group"]);

/** A row with every column that the query's header promises: numbers are 8, names are themselves, what may be unknown is. */
function row(query: AcuteQuery, values: ResultRow = {}): ResultRow {
  const names = catalogue.get(query)?.result.split(", ") ?? [];
  const text = /_id$|^service$|^cgroup$|_name$|^loss$|^in_trouble$|^reclaimable_in$|_key$/;
  const cells = names.map((name) => [name, texts.has(name) ? null : text.test(name) ? name : 8] as const);
  return { ...Object.fromEntries(cells), ...values };
}

const rows = (some: Partial<AcuteRows>): AcuteRows =>
  ({ ...Object.fromEntries(acuteQueries.map((query) => [query, []])), ...some }) as AcuteRows;
const find = (some: Partial<AcuteRows>) => toAcuteFindings(rows(some), NOW_MS);

test("no rows are no findings", () => {
  deepEqual(find({}), []);
});

test("every query's row becomes a finding with a known cause, and with words also where figures are unknown", () => {
  for (const query of acuteQueries) {
    const unknown = Object.keys(row(query)).filter((name) => /_last$|_first$|_min$|_max$|_bytes$/.test(name));
    for (const known of [row(query), { ...row(query), ...nullable(query, unknown) }]) {
      const [finding, ...more] = find({ [query]: [known] });
      equal(more.length, 0, query);
      ok(causeNames().includes(finding?.cause ?? ""), query);
      ok(!/undefined|NaN|null|unknown of unknown/.test(finding?.evidence ?? "?"), `${query}: ${finding?.evidence}`);
      equal(finding?.found_at, NOW_MS);
    }
  }
});

/** Figures that a row can lack: those that the query's own condition does not need. */
function nullable(query: AcuteQuery, names: readonly string[]): ResultRow {
  const needed: Partial<Record<AcuteQuery, readonly string[]>> = {
    mappings_near_limit: ["vma_count_first", "vma_count_last", "vma_count_limit"],
    cgroup_limit_near: ["cgroup_current_bytes", "cgroup_limit_bytes", "heap_reclaimable_bytes"],
    low_memory: ["mem_available_bytes_last", "mem_total_bytes"],
    swap_growing: ["swapped_out_bytes", "swap_used_bytes_last", "swap_total_bytes"],
    kernel_fragmentation: ["fragmentation_index_last", "mem_free_bytes_last"],
  };
  return Object.fromEntries(names.filter((name) => !needed[query]?.includes(name)).map((name) => [name, null]));
}

test("failed allocations and OOM kills of a service are one finding, with the hosts of both and the worst in words", () => {
  const [finding, ...more] = find({
    alloc_failures: [row("alloc_failures", { host_id: "a", service: "web", failure_count: 3, since: NOW_MS - 5 })],
    oom_kills: [row("oom_kills", { host_id: "b", service: "web", process_count: 2, since: NOW_MS - 9 })],
  });
  equal(more.length, 0);
  deepEqual(
    [finding?.service, finding?.cause, finding?.severity, finding?.host_count, finding?.process_count, finding?.since],
    ["web", "alloc_failure", "act", 2, 3, NOW_MS - 9],
  );
  equal(finding?.excess_bytes, null, "it is not about an amount");
  match(finding?.evidence ?? "", /^worst of 2: the kernel killed 8 processes/);
});

test("the same service in another environment is another finding, and the name of a finding is stable", () => {
  const inBoth = { alloc_failures: ["live", "test"].map((environment) => row("alloc_failures", { environment })) };
  const ids = find(inBoth).map(({ finding_id }) => finding_id);
  equal(new Set(ids).size, 2);
  deepEqual(new Set(find(inBoth).map(({ finding_id }) => finding_id)), new Set(ids));
});

test("hosts of an Auto Scaling group are told together, others by their names", () => {
  const low = (host_id: string, autoscaling_group: string | null) =>
    row("low_memory", { host_id, host_name: host_id, autoscaling_group });
  const found = find({ low_memory: [low("a", "web"), low("b", "web"), low("c", null)] });
  deepEqual(
    new Set(found.map(({ service, scope, host_count }) => `${service} ${scope} ${host_count}`)),
    new Set(["web host 2", "c host 1"]),
  );
});

test("one host in trouble is told by one cause; what else fired for it supports it", () => {
  const [finding, ...more] = find({
    low_memory: [row("low_memory")],
    swap_growing: [row("swap_growing")],
    memory_pressure: [row("memory_pressure")],
  });
  deepEqual([finding?.cause, finding?.early_warnings, more.length], ["low_memory", "memory_pressure, swap_growing", 0]);
  const two = find({
    low_memory: [row("low_memory")],
    swap_growing: [row("swap_growing", { host_id: "else", host_name: "else" })],
  });
  deepEqual(new Set(two.map(({ cause }) => cause)), new Set(["low_memory", "swap_growth"]), "other hosts are other troubles");
});

test("a kill that a service is told of is not told of its host; one more on the host is", () => {
  const killed = { oom_kills: [row("oom_kills", { kill_count: 2 })] };
  const on = (kill_count: number) =>
    find({ ...killed, host_oom_kills: [row("host_oom_kills", { kill_count })] }).map(({ cause }) => cause);
  deepEqual(on(2), ["alloc_failure"]);
  deepEqual(on(3).sort(), ["alloc_failure", "low_memory"]);
});

test("mappings are pressing when they are nearly used up, by number or by time", () => {
  const severity = (values: ResultRow) =>
    find({
      mappings_near_limit: [
        row("mappings_near_limit", {
          vma_count_first: 1,
          vma_count_last: 53_000,
          vma_count_limit: 65_530,
          seconds_left: 90_000,
          ...values,
        }),
      ],
    })[0]?.severity;
  equal(severity({}), "growing");
  equal(severity({ seconds_left: 3_600 }), "act");
  equal(severity({ vma_count_last: 62_254 }), "act");
});

test("a few silent hosts are told by name, many at once as one outage", () => {
  const silent = (count: number, host_count: number) =>
    find({
      hosts_silent: Array.from({ length: count }, (_, at) =>
        row("hosts_silent", { host_id: `h${at}`, host_name: `h${at}`, silent_host_count: count, host_count, in_trouble: "no" }),
      ),
    }).map(({ service, scope, host_count: hosts }) => `${service} ${scope} ${hosts}`);
  deepEqual(silent(2, 3), ["h0 host 1", "h1 host 1"].sort());
  deepEqual(silent(30, 100), ["hosts fleet 30"]);
  equal(silent(29, 100).length, 29);
});

test("what collectors lose is one finding for the fleet, pressing where rows are lost", () => {
  const losses = (...kinds: readonly string[]) =>
    find({
      collector_losses: kinds.map((loss, at) => row("collector_losses", { loss, host_id: `h${at}`, host_name: `h${at}` })),
    });
  const [finding, ...more] = losses("details", "rows", "sight");
  deepEqual(
    [finding?.service, finding?.scope, finding?.host_count, finding?.severity, more.length],
    ["collectors", "fleet", 3, "act", 0],
  );
  match(finding?.evidence ?? "", /worst of 3: on h1 8 rows were given up/);
  equal(losses("details")[0]?.severity, "notice");
});

test("memory that a trim would return is summed over the hosts, and what is known of none stays unknown", () => {
  const [near] = find({
    cgroup_limit_near: [100, 200].map((mib, at) =>
      row("cgroup_limit_near", { host_id: `h${at}`, heap_reclaimable_bytes: mib * MIB }),
    ),
  });
  deepEqual([near?.excess_bytes, near?.reclaimable_bytes, near?.host_id], [300 * MIB, 300 * MIB, "h1"]);
  const [thrashing] = find({ cgroup_limit_thrashing: [row("cgroup_limit_thrashing")] });
  deepEqual([thrashing?.cause, thrashing?.excess_bytes, thrashing?.reclaimable_bytes], ["cgroup_limit", null, null]);
  notEqual(near?.severity, thrashing?.severity);
});
