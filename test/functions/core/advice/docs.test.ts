// The tables of docs/advice.md against the catalogue and the measured runs that they are made from.
// TIDEMARK_UPDATE_SNAPSHOTS=1 writes them anew; the words around them are written by hand.
import { equal, ok } from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { catalogue, unrealKnobs } from "../../../../functions/core/advice/catalogue.ts";
import type { Knob, Owner, Via } from "../../../../functions/core/advice/knob.ts";
import { rangeText } from "../../../../functions/core/advice/versions.ts";
import { formatShare } from "../../../../functions/core/units.ts";
import { assertNever } from "../../../../schema/result.ts";
import { forecasts, judgedWithVariants, medianError, modelForecasts, unfittedForecasts } from "./ranking.ts";

const file = new URL("../../../../docs/advice.md", import.meta.url);

const owners: Readonly<Record<Owner, string>> = {
  glibc: "glibc",
  jemalloc: "jemalloc (`MALLOC_CONF`)",
  gperftools: "gperftools tcmalloc",
  "google-tcmalloc": "google/tcmalloc",
  mimalloc: "mimalloc",
  jvm: "JVM",
  node: "Node",
  python: "CPython",
  go: "Go",
  tidemark: "Tidemark",
  loader: "Preloading",
  kernel: "Kernel",
  platform: "Container and instance",
};

const sections: Readonly<Record<string, () => string>> = { knobs, unreal, ranking, forecasts: forecastTable };

for (const [name, make] of Object.entries(sections)) {
  test(`docs/advice.md, ${name}: the table is what the code says`, () => {
    const text = readFileSync(file, "utf8");
    const [begin, end] = [`<!-- ${name}: made by test/functions/core/advice/docs.test.ts -->\n`, `<!-- end of ${name} -->`];
    const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
    ok(text.includes(begin) && to >= from, `${begin} is not there`);
    const wanted = `\n${make()}\n\n`;
    if (process.env["TIDEMARK_UPDATE_SNAPSHOTS"] === "1") writeFileSync(file, text.slice(0, from) + wanted + text.slice(to));
    else
      equal(
        text.slice(from, to),
        wanted,
        'if this is meant: TIDEMARK_UPDATE_SNAPSHOTS=1 node --test "test/functions/core/advice/docs.test.ts"',
      );
  });
}

function knobs(): string {
  return [...Map.groupBy(catalogue, ({ owner }) => owner)]
    .map(([owner, list]) =>
      [
        `### ${owners[owner]}`,
        "",
        "| knob | versions | default | what it does | mind | source |",
        "|---|---|---|---|---|---|",
        ...list.map(
          (knob) =>
            `| ${cell(viaText(knob.via))} | ${knob.versions.map(rangeText).join("; ")} | ${cell(knob.defaultValue)} | ${cell(knob.mechanics)} | ${cell(knob.sideEffects ?? "")} | ${cell(sourceText(knob))} |`,
        ),
      ].join("\n"),
    )
    .join("\n\n");
}

const sourceText = ({ source, isFromMemory }: Knob): string => `${source}${isFromMemory ? " (from memory)" : ""}`;

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");

function viaText(via: Via): string {
  switch (via.kind) {
    case "environment":
      return `\`${via.variable}\``;
    case "glibc_tunable":
      return `\`${via.name}\`${via.alias === null ? "" : `, \`${via.alias}\``}`;
    case "malloc_conf":
    case "sysctl":
      return `\`${via.name}\``;
    case "jvm_flag":
      return `\`${via.flag}\``;
    case "node_option":
      return `\`${via.option}\``;
    case "sysfs":
      return `\`${via.path}\``;
    case "code":
      return `\`${via.call}\``;
    case "platform":
      return via.field;
    default:
      return assertNever(via);
  }
}

function unreal(): string {
  return [
    "| name | of | truth |",
    "|---|---|---|",
    ...unrealKnobs.map(({ name, owner, truth }) => `| \`${name}\` | ${owner} | ${truth} |`),
  ].join("\n");
}

const mb = (bytes: number): string => (bytes / 1e6).toFixed(0);

function ranking(): string {
  const right = judgedWithVariants.filter(({ isRight }) => isRight).length;
  return [
    `Right in ${right} of ${judgedWithVariants.length} (${formatShare(right / judgedWithVariants.length)}). MB that were held less at the end.`,
    "",
    "| program, cause | best measured | first recommended that was measured | right |",
    "|---|---|---|---|",
    ...judgedWithVariants.map(
      ({ run, best, first, isRight }) =>
        `| ${run.id}, ${run.input.cause} | ${best.name} ${mb(best.effectBytes)} | ${first === undefined ? "none of them" : `${first.name} ${mb(first.effectBytes)}`} | ${isRight ? "yes" : "**no**"} |`,
    ),
  ].join("\n");
}

function forecastTable(): string {
  const summary = [
    ["all", forecasts],
    ["models, relief left out", modelForecasts],
    ["models without a constant that was fitted to these runs", unfittedForecasts],
  ] as const;
  return [
    "| forecasts | count | median error |",
    "|---|---|---|",
    ...summary.map(([name, list]) => `| ${name} | ${list.length} | ${formatShare(medianError(list))} |`),
    "",
    "| program | remedy (run) | forecast, MB | measured, MB | error |",
    "|---|---|---|---|---|",
    ...[...modelForecasts, ...forecasts.filter((one) => !modelForecasts.includes(one))].map(
      ({ caseId, id, name, likelyBytes, measuredBytes, error }) =>
        `| ${caseId} | ${id} (${name}) | ${mb(likelyBytes)} | ${mb(measuredBytes)} | ${formatShare(Math.round(error * 100) / 100)} |`,
    ),
  ].join("\n");
}
