// The weekly report's model, its page and its message: what they say of an ordinary week, and what hostile or absent values do to them.
import { deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { BLOCKS_MAX } from "../../../../functions/core/slack/blocks.ts";
import type { WeeklyRows } from "../../../../functions/core/weekly/fill.ts";
import { weeklyMessage } from "../../../../functions/core/weekly/message.ts";
import type { WeeklyModel } from "../../../../functions/core/weekly/model.ts";
import { renderWeekly } from "../../../../functions/core/weekly/page.ts";
import {
  DAY_MS,
  END_MS,
  findingRow,
  fleetRow,
  GIB,
  hostile,
  hostileRows,
  lossRow,
  modelOf,
  noRows,
  ordinaryRows,
  processRow,
  savingRow,
  serviceRow,
  silentRow,
  unmeasuredRow,
  withoutFigures,
} from "./rows.ts";

const PAGE_BYTES_MAX = 1_000_000;
/** SNS: 256 KiB for all of a message. */
const TEXT_BYTES_MAX = 64 * 1_024;
const place = {
  key: "reports/weekly-report-2026-11-23T0600.html",
  link: "https://lake.s3.eu-central-1.amazonaws.com/reports/w.html?X-Amz-Signature=1",
};

/** Checks that hold whatever is in the rows. */
async function rendered(rows: Partial<WeeklyRows>) {
  const model = modelOf(rows);
  const page = await renderWeekly(model);
  const message = weeklyMessage(model, place);
  ok(Buffer.byteLength(page) <= PAGE_BYTES_MAX, `the page has ${Buffer.byteLength(page)} bytes`);
  ok(Buffer.byteLength(message.text) <= TEXT_BYTES_MAX, `the mail has ${Buffer.byteLength(message.text)} bytes`);
  match(message.subject, /^[\x20-\x7e]{1,99}$/);
  ok((message.slack?.length ?? 0) <= BLOCKS_MAX, `${message.slack?.length} blocks`);
  const targets = new Set(Array.from(page.matchAll(/ id="([^"]+)"/g), ([, id]) => id));
  for (const [, id] of page.matchAll(/href="#([^"]+)"/g)) ok(targets.has(id), `#${id} leads nowhere`);
  doesNotMatch(page, /undefined|NaN|\[object/);
  doesNotMatch(message.text, /undefined|NaN|\[object/);
  return { model, page, message };
}

test("an ordinary week: what is held free, its worth, who holds it, what to do, what got worse, what is not seen", async () => {
  const { page, message, model } = await rendered(ordinaryRows);
  equal(model.findings.map(({ finding }) => finding.service).join(), "checkout,search,batch,cart");
  match(page, /is held free, worth \$[\d,]+ to \$[\d,]+ a month; 4 services have an open finding/);
  match(page, /<a class="n" href="#q-weekly_fleet"[^>]*>/);
  match(message.text, /WHAT TO DO FIRST\n- checkout \(production\): Fragmentation, 7 GiB, \$\d+ to \$\d+ a month/);
  match(message.text, /Next step: /);
  match(message.text, /- search \(production\): Retention, new, 3 GiB/);
  match(message.text, /- batch \(production\): Leak, worse, 1 GiB/);
  match(message.text, /- checkout \(production\): 5 GiB to 8 GiB held free/);
  match(
    message.text,
    /- search \(production\): MALLOC_ARENA_MAX=2: helped, 3 GiB a host, 60 GiB in\n {2}all, \$210 to \$447 a month/,
  );
  match(message.text, /1 host went silent/);
  match(page, /cannot be used<\/bdi>|cannot be used: mutes\.0\.until: expected a date/);
  doesNotMatch(page, />gone|>old</);
  deepEqual(message.attributes, { kind: "report", severity: "notice" });
});

test("advice that the ledger has withdrawn for a service is not its next step, and is still that of others", () => {
  const adviceOn = (service: string, model: WeeklyModel) =>
    model.findings.find(({ finding }) => finding.service === service)?.advice.recommendations.map(({ id }) => id) ?? [];
  const before = modelOf(ordinaryRows);
  const first = String(adviceOn("checkout", before)[0]);
  const after = modelOf(ordinaryRows, (service, environment) =>
    service === "checkout" && environment === "production" ? new Map([[first, "no effect on 12 hosts"]]) : new Map(),
  );
  deepEqual(
    adviceOn("checkout", after),
    adviceOn("checkout", before).filter((id) => id !== first),
  );
  deepEqual(adviceOn("search", after), adviceOn("search", before));
});

test("the mail's lines are short, but for addresses and settings, and it says how long its link works", async () => {
  const { message } = await rendered(ordinaryRows);
  const long = message.text.split("\n").filter((line) => line.length > 80);
  deepEqual(
    long.filter((line) => !line.includes("https://")),
    [],
  );
  match(message.text, /works for some hours: it ends with the credentials/);
  match(message.text, new RegExp(`object\\s+${place.key}`));
});

test("a week is the average over its hours, types add up, and each has its own price", async () => {
  const day = (period: number, instance_type: string, hour_count: number, gib: number) =>
    fleetRow({ period, instance_type, hour_count, free_resident_bytes: gib * GIB });
  const { model } = await rendered({
    weekly_fleet: [day(7, "m7g.large", 24, 10), day(7, "r7g.large", 24, 10), day(8, "m7g.large", 12, 40)],
  });
  equal(model.now?.held, Math.round(((20 * 24 + 40 * 12) / 36) * GIB));
  equal(model.before, null);
  const most = (gib(10, 24) * PER_GIB_M7G + gib(10, 24) * PER_GIB_R7G + gib(40, 12) * PER_GIB_M7G) / 36;
  equal(model.worth?.held.most.toFixed(2), most.toFixed(2));
});

/** A whole instance by its GiB, a month: hourly list price by GiB, times 730 hours. */
const PER_GIB_M7G = (0.0816 / 8) * 730;
const PER_GIB_R7G = (0.1071 / 16) * 730;
const gib = (size: number, hours: number) => size * hours;

test("an empty lake is nothing measured, not nothing wrong", async () => {
  const { page, message } = await rendered(noRows);
  match(page, /Nothing was measured this week/);
  doesNotMatch(page, /0 B|\$0/);
  match(message.subject, /nothing was measured/);
});

test("one service without a heap that could be read: what is held is unknown, never 0", async () => {
  const { page, message } = await rendered({
    weekly_fleet: [
      fleetRow({ period: 7, live_bytes: null, free_resident_bytes: null, reclaimable_bytes: null, walked_process_count: 0 }),
    ],
    weekly_services: [withoutFigures(serviceRow({}))],
    weekly_unmeasured: [unmeasuredRow({ rss_bytes: null, process_count_all: null })],
  });
  match(page, /No heap could be measured this week/);
  match(message.text, /Held free: +unknown/);
  match(message.text, /Worth, a month: +unknown/);
});

test("every figure that may be absent is: the report still says what it can", async () => {
  await rendered({
    weekly_fleet: [withoutFigures(fleetRow({ period: 13, instance_type: null }))],
    weekly_services: [{ ...withoutFigures(serviceRow({})), environment: null, instance_type: null }],
    weekly_worst_processes: [{ ...withoutFigures(processRow({})), environment: null, allocator: null, instance_type: null }],
    weekly_unmeasured: [{ ...withoutFigures(unmeasuredRow()), heap_unknown_reason: null, largest_service: null }],
    recent_findings: [
      { ...withoutFigures(findingRow({})), environment: null, state: null, excess_bytes: null, class_at: null },
    ],
    verified_savings: [{ ...withoutFigures(savingRow({})), environment: null, setting: null, recommendation_id: null }],
    hosts_silent: [{ ...silentRow, host_name: null }],
    collector_losses: [{ ...lossRow, row_dropped_count: null }],
  });
});

test("hostile names are text on the page, in the mail and in Slack", async () => {
  const { page, message } = await rendered(hostileRows);
  doesNotMatch(page, /<script|\u202e|alert\(1\)<\/script>/);
  match(page, /&lt;script&gt;/);
  // A line of the mail that begins with a header's name would still be a line of its body, but there is none.
  doesNotMatch(message.text, /^\s*Bcc:/m);
  doesNotMatch(`${message.subject}${message.text}`, /\r|\u202e/);
  const texts = JSON.stringify(message.slack);
  doesNotMatch(texts, /\u202e/);
  for (const block of message.slack ?? []) {
    const text = block["text"] as { type: string; text: string } | undefined;
    if (text?.type === "mrkdwn") doesNotMatch(text.text, /<(?!\/)/);
  }
});

test("five hundred services of hostile names with all findings fit: page, mail and blocks have their bounds", async () => {
  const many = Array.from({ length: 500 }, (_, index) => ({ service: `${index}-${hostile}`, environment: hostile }));
  const { page, message } = await rendered({
    ...ordinaryRows,
    weekly_services: many.map((named) => serviceRow({ ...named, service_count: 500 })),
    weekly_worst_processes: many.map((named) => processRow({ ...named, tunables: `GLIBC_TUNABLES=${'"'.repeat(5_000)}` })),
    recent_findings: many.map(({ service, environment }, index) =>
      findingRow({ service, environment, finding_id: `id-${index}`, evidence: '"'.repeat(5_000), class_at: END_MS - DAY_MS }),
    ),
    verified_savings: many.map((named) => savingRow(named)),
    hosts_silent: many.map(({ service }) => ({ ...silentRow, host_name: service })),
    weekly_unmeasured: many.map((_, index) => unmeasuredRow({ allocator: `a-${index}` })),
  });
  match(page, /464<\/a> more in the query/);
  match(message.text, /and 495 more on the page/);
});

test("findings that were mended, or not seen in the last day, and what is only good to know are not what to do first", async () => {
  const { model, message } = await rendered({ recent_findings: ordinaryRows.recent_findings });
  ok(!model.findings.some(({ finding }) => ["gone", "old"].includes(finding.service)));
  doesNotMatch(message.text, /cart/);
  deepEqual(
    model.newFindings.map(({ service }) => service),
    ["search", "batch"],
  );
});

test("a service has risen only against a week before that was measured, by a fifth and by 256 MiB", async () => {
  const risen = async (now: number | null, before: number | null) => {
    const row = serviceRow({
      free_resident_bytes: now,
      free_resident_bytes_before: before,
      live_bytes: null,
      live_bytes_before: null,
    });
    return (await rendered({ weekly_services: [row] })).model.risen.length;
  };
  equal(await risen(8 * GIB, 5 * GIB), 1);
  equal(await risen(8 * GIB, 7 * GIB), 0, "less than a fifth");
  equal(await risen(2e8, 1e8), 0, "a large share of little");
  equal(await risen(8 * GIB, null), 0, "new");
  equal(await risen(null, GIB), 0, "no longer measured");
});
