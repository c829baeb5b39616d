// The catalogue against the allocators themselves, in several releases: what it says a version has, that version must accept,
// and what it says it has not, or that nothing reads, it must refuse or not know.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { catalogue, presenceOf, unrealKnobs } from "../../../../functions/core/advice/catalogue.ts";
import { debianTree } from "../../../support/debian.ts";
import { foreignLibc, minorOf, releases } from "../../../support/foreign-libc.ts";
import { skipReason } from "../../../support/need.ts";

const own = "/usr/lib/x86_64-linux-gnu";
const needs = (file: string): string | false =>
  existsSync(`${own}/${file}`) ? false : skipReason(`this machine has no ${file}`);
const isPresent = (id: string, version: string): boolean => {
  const knob = catalogue.find((candidate) => candidate.id === id);
  return knob !== undefined && presenceOf(knob, version).kind === "present";
};

/** The same packages as the shim's tests unpack. */
const packagesOf = {
  bullseye: ["libjemalloc2", "libtcmalloc-minimal4", "libstdc++6", "libgcc-s1"],
  trixie: ["libjemalloc2", "libtcmalloc-minimal4t64", "libmimalloc3", "libstdc++6", "libgcc-s1"],
  sid: ["libjemalloc2", "libtcmalloc-minimal4t64", "libmimalloc3", "libstdc++6", "libgcc-s1"],
} as const;

interface Outcome {
  readonly status: number | null;
  readonly text: string;
}

/** Runs /bin/true with a library preloaded: by this machine's own loader, or by that of another release. */
type Runner = (library: string, variables: Readonly<Record<string, string>>) => Outcome;

function outcome(command: string, args: readonly string[], env: Readonly<Record<string, string>>): Outcome {
  const { status, stdout, stderr, error } = spawnSync(command, args, { env, encoding: "utf8", timeout: 20_000 });
  if (error !== undefined) throw error;
  return { status, text: stdout + stderr };
}

const here: Runner = (library, variables) => outcome("/bin/true", [], { ...variables, LD_PRELOAD: library });

function runnerOf(loader: string, folders: readonly string[]): Runner {
  return (library, variables) =>
    outcome(loader, ["--library-path", folders.join(":"), "--preload", library, "/bin/true"], variables);
}

/** A release's loader and allocators, or why there are none. */
function foreign(release: keyof typeof packagesOf): { run: Runner; folder: string } | string {
  const libc = foreignLibc(release, "amd64");
  const tree = debianTree({ release, architecture: "amd64", packages: packagesOf[release] });
  if (libc.kind === "unavailable") return libc.reason;
  if (tree.kind === "unavailable") return tree.reason;
  const folder = join(tree.folder, own);
  // Our /bin/true needs a newer C library than an older release has; its allocators run with ours.
  if (minorOf[release] < minorOf.bookworm) return { run: here, folder };
  const folders = [libc.folder, folder, join(tree.folder, "lib/x86_64-linux-gnu")];
  return { run: runnerOf(libc.loader, folders), folder };
}

for (const release of releases) {
  test(`glibc ${release}: its tunables are those of the catalogue, and their aliases are read`, (t) => {
    const libc = foreignLibc(release, "amd64");
    if (libc.kind === "unavailable") return t.skip(libc.reason);
    const version = `2.${minorOf[release]}`;
    const bytes = readFileSync(realpathSync(libc.loader)).toString("latin1");
    // --list-tunables came with 2.33; before it the names lie in the loader all the same.
    const listed = new Set(
      minorOf[release] >= 33
        ? outcome(libc.loader, ["--list-tunables"], {}).text.match(/^glibc\.malloc\.\w+/gm)
        : bytes.match(/glibc\.malloc\.\w+/g),
    );
    const knobs = catalogue.flatMap(({ id, via }) => (via.kind === "glibc_tunable" ? [{ id, ...via }] : []));
    for (const { id, name, alias } of knobs) {
      if (isPresent(id, version)) {
        ok(listed.has(name), `${name} is not in ${version}`);
        ok(alias === null || bytes.includes(`${alias}\0`), `${alias} is not in ${version}`);
        // What is listed although nothing heeds it any more, only the catalogue can know.
      } else if (id !== "glibc.mxfast") ok(!listed.has(name), `${name} is in ${version}`);
    }
    const names = new Set(knobs.map(({ name }) => name));
    deepEqual(
      [...listed].filter((name) => !names.has(name)).sort(),
      // For debugging and tests of programs, not for memory.
      ["glibc.malloc.check", "glibc.malloc.perturb"],
    );
    for (const { name } of unrealKnobs.filter(({ owner }) => owner === "glibc")) ok(!bytes.includes(`${name}\0`), name);
    const library = readFileSync(join(libc.folder, "libc.so.6")).toString("latin1");
    ok(library.includes("\0malloc_trim\0"));
  });
}

/** A value of the right kind for each. */
const values: Readonly<Record<string, string>> = {
  background_thread: "true",
  max_background_threads: "2",
  dirty_decay_ms: "1000",
  muzzy_decay_ms: "0",
  narenas: "4",
  percpu_arena: "percpu",
  oversize_threshold: "8388608",
  tcache_max: "4096",
  lg_tcache_max: "12",
  retain: "false",
  metadata_thp: "auto",
  thp: "never",
  abort_conf: "true",
  prof: "false",
  lg_dirty_mult: "3",
};

function checkJemalloc(run: Runner, library: string): void {
  const [, version = ""] = /\0(\d+\.\d+\.\d+)-\d+-g[0-9a-f]+/.exec(readFileSync(library).toString("latin1")) ?? [];
  match(version, /^5\./);
  const start = (pair: string) => run(library, { MALLOC_CONF: `abort_conf:true,${pair}` });
  for (const { id, via } of catalogue) {
    if (via.kind !== "malloc_conf") continue;
    const value = values[via.name];
    ok(value !== undefined, `${via.name} needs a value to be tried with`);
    const { status, text } = start(`${via.name}:${value}`);
    equal(status === 0, isPresent(id, version), `${via.name} in ${version}: ${status} ${text}`);
  }
  for (const { name } of unrealKnobs.filter(({ owner }) => owner === "jemalloc"))
    match(start(`${name}:1`).text, /Invalid conf pair/, `${name} in ${version}`);
}

test(
  "jemalloc here: each knob that its version has lets it start under abort_conf, and no other does",
  {
    skip: needs("libjemalloc.so.2"),
  },
  () => checkJemalloc(here, `${own}/libjemalloc.so.2`),
);

for (const release of ["bullseye", "trixie", "sid"] as const) {
  test(`jemalloc ${release}: each knob that its version has lets it start under abort_conf, and no other does`, (t) => {
    const found = foreign(release);
    if (typeof found === "string") return t.skip(found);
    checkJemalloc(found.run, join(found.folder, "libjemalloc.so.2"));
  });
}

test("gperftools reads each variable of the catalogue, and none of those often copied", {
  skip: needs("libtcmalloc_minimal.so.4"),
}, () => {
  const full = `${own}/libtcmalloc.so.4`;
  const bytes = readFileSync(existsSync(full) ? full : `${own}/libtcmalloc_minimal.so.4`).toString("latin1");
  const variables = catalogue.flatMap(({ owner, via }) =>
    owner === "gperftools" && via.kind === "environment" ? [via.variable] : [],
  );
  ok(variables.length >= 4);
  for (const variable of variables) ok(bytes.includes(`\0${variable}\0`), variable);
  for (const { name } of unrealKnobs.filter(({ owner }) => owner === "gperftools")) ok(!bytes.includes(`\0${name}\0`), name);
  ok(bytes.includes("\0MallocExtension_ReleaseFreeMemory\0"));
});

function checkMimalloc(run: Runner, library: string, version: string): void {
  for (const { id, owner, via } of catalogue) {
    if (owner !== "mimalloc" || via.kind !== "environment") continue;
    const option = via.variable.replace("MIMALLOC_", "").toLowerCase();
    const { text } = run(library, { MIMALLOC_VERBOSE: "1", [via.variable]: "7" });
    match(text, /option 'verbose': 1/);
    equal(text.includes(`option '${option}': 7`), isPresent(id, version), `${option} in ${version}`);
  }
}

test("mimalloc here takes the delay by the name of its version", { skip: needs("libmimalloc.so.2") }, () => {
  const library = realpathSync(`${own}/libmimalloc.so.2`);
  // Debian's name has two numbers: 2.0 before the option was renamed, 2.1 after it.
  checkMimalloc(here, library, /\.so\.(\d+\.\d+)/.exec(library)?.[1] ?? "");
});

for (const release of ["trixie", "sid"] as const) {
  test(`mimalloc ${release} takes the delay by the name of its version`, (t) => {
    const found = foreign(release);
    if (typeof found === "string") return t.skip(found);
    checkMimalloc(found.run, join(found.folder, "libmimalloc.so.3"), "3.0");
  });
}
