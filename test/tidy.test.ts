// The house rules that a machine can hold: who may import whom, exact versions, headers, generated docs, no lost tests.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, matchesGlob, relative } from "node:path";
import { test } from "node:test";
import { settingsMarkdown } from "../collector/settings-docs.ts";
import { readCatalogue } from "../queries/catalogue.ts";
import { metricsMarkdown } from "../schema/metrics-docs.ts";

const root = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const files = (pattern: string) => globSync(pattern, { cwd: root, exclude: ["node_modules/**", "native/build/**"] }).sort();
const manifest: {
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
} = JSON.parse(read("package.json"));

/** Rooms of the house, and the rooms that each may reach into. docs/architecture.md draws it. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  schema: [],
  queries: ["schema"],
  collector: ["schema"],
  functions: ["schema"],
  infra: ["schema", "queries"],
  local: ["schema", "queries", "collector", "functions"],
};

/** The entries are AWS's wiring, as local/ is one machine's: they alone among the functions know the queries. */
const allowedFor = (path: string, room: string): readonly string[] => [
  ...(arrows[room] ?? []),
  ...(path.startsWith("functions/lambda/") ? ["queries"] : []),
];

const importsOf = (path: string): readonly string[] =>
  Array.from(read(path).matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g), (match) =>
    relative(root, join(root, dirname(path), match[1] ?? "")),
  );

test("imports follow the arrows: everything may know the schema, nothing knows the one-machine wiring", () => {
  for (const room of Object.keys(arrows)) {
    for (const path of files(`${room}/**/*.{ts,mjs}`)) {
      const allowed = allowedFor(path, room);
      for (const target of importsOf(path)) {
        const targetRoom = target.split("/")[0] ?? "";
        ok(
          // The manifest says which version this is, and belongs to no room.
          targetRoom === room || targetRoom === "package.json" || allowed.includes(targetRoom),
          `${path} imports ${target}; ${room} may import ${allowed.join(", ") || "nothing"}`,
        );
      }
    }
  }
});

test("core is pure: no file, clock, process, network or SDK", () => {
  const impure =
    /from "(node:(fs|child_process|net|http|https|os|process|timers)[^"]*|@aws-sdk[^"]*)"|Date\.now\(|process\.env|Math\.random\(/;
  for (const path of files("functions/core/**/*.ts")) {
    const found = impure.exec(read(path));
    equal(found?.[0] ?? null, null, path);
  }
});

test("every dependency has one exact version, and a line in docs/decisions.md that says why", () => {
  const decisions = read("docs/decisions.md");
  for (const group of [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies]) {
    for (const [name, version] of Object.entries(group)) {
      match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, name);
      ok(decisions.includes(`\`${name}\``), `${name} has no line in docs/decisions.md`);
    }
  }
});

test("the lock file names no host to download from", () => {
  equal(/"resolved": "https?:/.exec(read("package-lock.json")), null);
});

test("every source file opens by saying what it is for", () => {
  for (const path of files("{schema,collector,functions,queries,local,infra,test}/**/*.{ts,mjs}")) {
    match(read(path).replace(/^#!.*\n/, ""), /^\/\/ \S/, path);
  }
  for (const path of files("native/**/*.{c,h}")) match(read(path), /^(\/\/|\/\*) \S/, path);
});

test("files hold one idea: none of the source is longer than 350 lines", () => {
  for (const path of files("{schema,collector,functions,queries,local,infra,native}/**/*.{ts,mjs,c,h,sql}")) {
    const lines = read(path).split("\n").length;
    ok(lines <= 350, `${path} has ${lines} lines`);
  }
});

/** Bound where partitions are chosen, because engines do not look for them in a CTE. */
const partitionParameters = new Set(["dt_first", "dt_last", "hr"]);

test("queries are written as one: full header, parameters bound in the first CTE, no SELECT *, full order", () => {
  for (const { name, sql, parameters } of readCatalogue().values()) {
    match(sql, /^-- \w+: .*\n(--.*\n)*-- why: .*\n(--.*\n)*-- grain: .*\n-- params: .*\n-- result: .*\n/, name);
    const hasOthers = parameters.some((parameter) => !partitionParameters.has(parameter.name));
    equal(/^WITH params AS \(/m.test(sql), hasOthers, name);
    const text = sql.replace(/^--.*$/gm, "");
    ok(!/\*\s*\n?\s*FROM|SELECT\s+\*/i.test(text), `${name} selects *`);
    match(text.trimEnd(), /ORDER BY [\w., ]+( DESC)?[\w., ]*$/, name);
    match(text, /\.dt BETWEEN \? AND \?/, `${name} has no partition filter`);
    const lowerCase = /\b(select|from|where|group by|order by|with|case|when|then|end|join|between)\b/.exec(
      text.replace(/'[^']*'/g, ""),
    );
    equal(lowerCase?.[0] ?? null, null, name);
  }
});

test("docs/metrics.md and docs/settings.md are what the tables say (npm run docs writes them)", () => {
  equal(read("docs/metrics.md"), metricsMarkdown());
  equal(read("docs/settings.md"), settingsMarkdown());
});

test("the data flow's folders are all in docs/architecture.md", () => {
  const page = read("docs/architecture.md");
  for (const room of Object.keys(arrows).filter((name) => files(`${name}/*`).length > 0))
    ok(page.includes(`\`${room}/\``), room);
});

test("format and lint are clean (npm run format mends most)", () => {
  const { status, stdout, stderr } = spawnSync(
    join(root, "node_modules/.bin/biome"),
    ["ci", "--colors=off", "--error-on-warnings", "."],
    {
      cwd: root,
      encoding: "utf8",
    },
  );
  equal(status, 0, stdout + stderr);
});

test("types are clean", () => {
  const { status, stdout } = spawnSync(join(root, "node_modules/.bin/tsc"), ["--noEmit"], { cwd: root, encoding: "utf8" });
  equal(status, 0, stdout);
});

test("every test file of the tree is one that npm test runs", () => {
  const glob = /"(test\/[^"]+)"/.exec(manifest.scripts["test"] ?? "")?.[1];
  if (glob === undefined) throw new Error("npm test names no files");
  const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  }).split("\n");
  const tests = tracked.filter((path) => /\.test\.[a-z]+$/.test(path));
  deepEqual(
    tests.filter((path) => !matchesGlob(path, glob)),
    [],
  );
  ok(tests.length >= TEST_FILES_MIN, `${tests.length} test files, there were ${TEST_FILES_MIN}`);
});

/** How many there were when one was last added or removed on purpose. */
const TEST_FILES_MIN = 30;
