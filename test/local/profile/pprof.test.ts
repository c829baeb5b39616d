// Proves by Go's own pprof that what we write is a profile it reads: types, totals, functions, mappings and comments.
// It leaves the page to parts.test.ts. One profile each of glibc's wrapper, of jemalloc and of tcmalloc, by the command itself.
import { equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { sites, wrapped } from "../../native/profile-run.ts";
import {
  jemalloc,
  missingLibrary,
  removeRingFolders,
  ringFolder,
  ringSeen,
  shim,
  shimEnv,
  tcmalloc,
  tcmallocMinimal,
} from "../../native/shim-ring.ts";
import { endTargets, make, numberOf, startTarget, type Target } from "../../native/target.ts";
import { missing } from "../../support/need.ts";

const folder = mkdtempSync(join(tmpdir(), "tidemark-profile-"));
const command = join(import.meta.dirname, "../../../local/cli.ts");

before(() => make("all", "build/test/profile_sites"));
after(() => {
  endTargets();
  removeRingFolders();
  rmSync(folder, { recursive: true });
});

const profileOf = (pid: number, ...args: string[]) =>
  spawnSync(process.execPath, [command, "profile", String(pid), "--folder", folder, ...args], { encoding: "utf8" });

function pprof(file: string, ...args: string[]): string {
  const { stdout, stderr, status } = spawnSync("go", ["tool", "pprof", "-unit=B", ...args, file], { encoding: "utf8" });
  equal(status, 0, stderr);
  return stdout;
}

/** Bytes of the function, what it calls included, as pprof has it. */
const cumulative = (top: string, name: string): number =>
  Number(new RegExp(`([\\d.]+)B +[\\d.]+% +${name}$`, "m").exec(top)?.[1] ?? Number.NaN);

const isNear = (value: number, expected: number, tolerance: number) =>
  ok(Math.abs(value - expected) < tolerance * expected, `${value} is not near ${expected}`);

interface Made {
  readonly bytes: number;
  readonly files: { readonly pprof: string; readonly page: string };
  readonly stacks: readonly { readonly frames: readonly string[] }[];
}

function judge(made: Made, allocated: number): void {
  const top = pprof(made.files.pprof, "-top", "-nodefraction=0");
  isNear(cumulative(top, "site_four_fifths"), allocated * 0.8, 0.25);
  isNear(cumulative(top, "site_one_fifth"), allocated * 0.2, 0.4);
  match(top, /Type: inuse_space/);
  const raw = pprof(made.files.pprof, "-raw");
  match(raw, /Mappings\n\d+: 0x[0-9a-f]+\/0x[0-9a-f]+\/0x[0-9a-f]+ \S*profile_sites [0-9a-f]{40}/);
  match(raw, /inuse_objects\/count inuse_space\/bytes\[dflt\]/);
  equal(statSync(made.files.pprof).mode & 0o777, 0o600);
}

const asked = (pid: number, ...args: string[]): Made => {
  const { stdout, stderr, status } = profileOf(pid, "--json", ...args);
  equal(status, 0, stderr);
  return JSON.parse(stdout) as Made;
};

test("glibc: the wrapper's profile, named for its finding", { skip: missing("go") }, async () => {
  const program = await wrapped();
  const allocated = numberOf(await program.ask("shares 67108864"), "bytes");
  const made = asked(program.pid, "--finding", "f-12");
  judge(made, allocated);
  match(made.files.page, /\/profiles\/dt=\d{4}-\d\d-\d\d\/\d{8}T\d{6}Z-profile_sites-\d+-f-12\.html$/);
  match(pprof(made.files.pprof, "-comments"), /For the finding f-12/);
  match(profileOf(program.pid, "--finding", "g").stdout, /site_four_fifths/);
});

const behindShim = async (allocator: string, env: Record<string, string>): Promise<Target> => {
  const rings = ringFolder();
  const program = await startTarget(sites, [], { ...shimEnv(rings, shim, allocator), TIDEMARK_PROFILE: "1", ...env });
  await ringSeen(rings, program.pid);
  return program;
};

test("jemalloc: its own profile by way of the shim", { skip: missing("go") || missingLibrary(jemalloc) }, async () => {
  const program = await behindShim(jemalloc, { MALLOC_CONF: "prof:true,lg_prof_sample:16" });
  const allocated = numberOf(await program.ask("shares 67108864"), "bytes");
  judge(asked(program.pid), allocated);
});

test("gperftools' tcmalloc: its samples by way of the shim", { skip: missing("go") || missingLibrary(tcmalloc) }, async () => {
  const program = await behindShim(tcmalloc, { TCMALLOC_SAMPLE_PARAMETER: "65536" });
  const allocated = numberOf(await program.ask("shares 67108864"), "bytes");
  judge(asked(program.pid), allocated);
});

test("without what it takes, the command says what that is, and exits with 1", {
  skip: missingLibrary(jemalloc, tcmalloc, tcmallocMinimal),
}, async () => {
  const cases = [
    [await startTarget(sites, []), /LD_PRELOAD=\S*libtidemark-profile\.so/],
    [await behindShim(jemalloc, {}), /MALLOC_CONF=prof:true/],
    [await behindShim(jemalloc, { TIDEMARK_PROFILE: "" }), /TIDEMARK_PROFILE=1/],
    [await behindShim(tcmalloc, {}), /TCMALLOC_SAMPLE_PARAMETER=524288/],
    [await behindShim(tcmallocMinimal, { TCMALLOC_SAMPLE_PARAMETER: "65536" }), /libtcmalloc_minimal has none/],
    [await wrapped({ TIDEMARK_PROFILE: "0" }), /told to stay out/],
  ] as const;
  for (const [program, says] of cases) {
    const { status, stdout, stderr } = profileOf(program.pid);
    match(stderr, says);
    equal(status, 1);
    equal(stdout, "");
  }
});
