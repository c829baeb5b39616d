// Proves the shim with the C libraries and allocators of other Debian releases, and on aarch64 under qemu-user.
// It leaves what a ring holds in detail to shim-figures.test.ts.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { debianTree } from "../support/debian.ts";
import { foreignLibc, foreignPrograms } from "../support/foreign-libc.ts";
import { missing } from "../support/need.ts";
import { freshRecord, removeRingFolders, ringFolder, ringNames, ringOf, ringSeen, shim, shimEnv, until } from "./shim-ring.ts";
import { endTargets, make, numberOf, programPath, startTarget, type Target } from "./target.ts";

const runtime = ["libstdc++6", "libgcc-s1"];
/** Each release's allocators and what they need besides its libc6. */
const releases = [
  { release: "bullseye", architecture: "amd64", packages: ["libjemalloc2", "libtcmalloc-minimal4", ...runtime] },
  {
    release: "trixie",
    architecture: "amd64",
    packages: ["libjemalloc2", "libtcmalloc-minimal4t64", "libmimalloc3", ...runtime],
  },
  { release: "sid", architecture: "amd64", packages: ["libjemalloc2", "libtcmalloc-minimal4t64", "libmimalloc3", ...runtime] },
  {
    release: "trixie",
    architecture: "arm64",
    packages: ["libjemalloc2", "libtcmalloc-minimal4t64", "libmimalloc3", ...runtime],
  },
] as const;
const kinds = {
  libjemalloc2: "jemalloc",
  "libtcmalloc-minimal4": "tcmalloc",
  "libtcmalloc-minimal4t64": "tcmalloc",
  libmimalloc3: "mimalloc",
};
const fileOf = { jemalloc: /^libjemalloc\.so\.2$/, tcmalloc: /^libtcmalloc_minimal\.so\.4$/, mimalloc: /^libmimalloc\.so\.3$/ };

before(() => make("all"));
after(() => {
  endTargets();
  removeRingFolders();
});

interface Machine {
  readonly skip: string | false;
  /** Runs a program of the release with these libraries preloaded. */
  readonly start: (program: string, libraries: readonly string[], folder: string) => Promise<Target>;
  readonly output: (program: string, args: readonly string[], libraries: readonly string[]) => unknown;
  readonly libraryOf: (kind: keyof typeof fileOf) => string;
}

function machineOf({ release, architecture, packages }: (typeof releases)[number]): Machine {
  const libc = foreignLibc(release, architecture);
  const programs = foreignPrograms(architecture);
  const tree = debianTree({ release, architecture, packages });
  const emulator = architecture === "arm64" ? missing("qemu-aarch64", "aarch64-linux-gnu-gcc") : false;
  const unavailable = [libc, programs, tree].find((item) => item.kind === "unavailable");
  const skip = emulator || (unavailable?.kind === "unavailable" ? unavailable.reason : false);
  const [libcFolder, loader] = libc.kind === "found" ? [libc.folder, libc.loader] : ["", ""];
  const allocatorFolder = tree.kind === "unpacked" ? tree.folder : "";
  const found = readdirSync(allocatorFolder || ".", { recursive: true, encoding: "utf8" }).filter((path) =>
    /\.so(\.\d+)*$/.test(path),
  );
  const paths = [libcFolder, ...new Set(found.map((path) => join(allocatorFolder, path, "..")))].join(":");
  const ownShim = architecture === "arm64" ? programPath("aarch64/libtidemark.so") : shim;
  if (architecture === "arm64" && !skip) make("build/aarch64/libtidemark.so");
  /** The environment is the program's own: neither qemu nor the machine's loader may preload these. */
  const command = (program: string, args: readonly string[], env: Record<string, string>): [string, string[]] => {
    const path = join(programs.kind === "found" ? programs.folder : "", program);
    const started = ["--library-path", paths, path, ...args];
    const pairs = Object.entries(env).flatMap(([name, value]) => ["-E", `${name}=${value}`]);
    return architecture === "arm64"
      ? ["qemu-aarch64", [...pairs, loader, ...started]]
      : ["env", [...Object.entries(env).map((pair) => pair.join("=")), loader, ...started]];
  };
  return {
    skip,
    start: (program, libraries, folder) => startTarget(...command(program, [], shimEnv(folder, ownShim, ...libraries))),
    output: (program, args, libraries) => {
      const env = shimEnv(ringFolder(), ...libraries);
      const { status, signal, stdout, stderr } = spawnSync(...command(program, args, env), { encoding: "utf8" });
      return { status, signal, stdout, stderr };
    },
    libraryOf: (kind) => join(allocatorFolder, found.find((path) => fileOf[kind].test(path.split("/").at(-1) ?? "")) ?? "none"),
  };
}

for (const wish of releases) {
  const { skip, start, output, libraryOf } = machineOf(wish);
  const name = `${wish.release} ${wish.architecture}`;
  const ownShim = wish.architecture === "arm64" ? programPath("aarch64/libtidemark.so") : shim;

  test(`${name}: a program that allocates runs as if the shim were not there`, { skip }, () => {
    const expected = { status: 7, signal: null, stdout: "word\n", stderr: "" };
    assert.deepEqual(output("shim_hello", ["word"], [ownShim]), expected);
    assert.deepEqual(output("shim_hello", ["word"], [ownShim, libraryOf("jemalloc")]), expected);
  });

  test(`${name}: with the release's glibc there is no thread and no ring`, { skip }, async () => {
    const folder = ringFolder();
    const { tell, ended } = await start("shim_peer", [], folder);
    tell("leave");
    await ended;
    assert.deepEqual(ringNames(folder), []);
  });

  for (const [packageName, kind] of Object.entries(kinds) as [keyof typeof kinds, keyof typeof fileOf][]) {
    if (!(wish.packages as readonly string[]).includes(packageName)) continue;
    // qemu-user has threads of its own, so a child there stays silent, and its time counts as the probe's.
    const isEmulated = wish.architecture === "arm64";
    test(`${name}: ${packageName} is recognised and measured${isEmulated ? "" : ", in a forked child as well"}`, {
      skip,
    }, async () => {
      const folder = ringFolder();
      const { pid, ask } = await start("shim_peer", [libraryOf(kind)], folder);
      await ask("grow 100000 200");
      await ask("thin 20");
      const { header } = await ringSeen(folder, pid);
      assert.equal(header.allocator, kind);
      assert.match(header.allocator_version ?? "", /\d\.\d/);
      if (isEmulated) {
        const { figures } = await until("a record", () => ringOf(folder, pid)?.records[0]);
        assert.ok(((kind === "mimalloc" ? figures.heap_bytes : figures.live_bytes) ?? 0) > 0);
        return;
      }
      const said = await ask("figures");
      const { figures } = await freshRecord(folder, pid);
      const [figure, theirs] =
        kind === "mimalloc" ? ([figures.heap_bytes, "commit"] as const) : ([figures.live_bytes, "live"] as const);
      const off = Math.abs((figure ?? 0) - numberOf(said, theirs)) / numberOf(said, theirs);
      assert.ok(off <= 0.02, `${figure} of ${[...said]}`);
      const child = numberOf(await ask("fork"), "pid");
      await freshRecord(folder, child);
    });
  }
}
