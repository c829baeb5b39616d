// Settings in the forms that people paste: read back by the programs that read them, whatever stood there before.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { advise } from "../../../../functions/core/advice/advise.ts";
import { formsOf, variablesOf } from "../../../../functions/core/advice/forms.ts";
import { parseTunables } from "../../../../functions/core/advice/tunables.ts";
import { missing } from "../../../support/need.ts";
import { input, MIB } from "./inputs.ts";

const set = (changes: readonly (readonly [string, string])[], tunables: string | null = null) =>
  Object.fromEntries(
    variablesOf(
      changes.map(([knob, value]) => ({ knob, value })),
      parseTunables(tunables),
    ),
  );

test("a change keeps what its variable held, and takes the place of the same setting", () => {
  const jemalloc = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2";
  const cases = [
    [[["glibc.arena_max", "2"]], null, { MALLOC_ARENA_MAX: "2" }],
    // Where the tunable is set it would count before its alias.
    [
      [["glibc.arena_max", "2"]],
      "GLIBC_TUNABLES=glibc.malloc.arena_max=8:glibc.malloc.tcache_count=0",
      {
        GLIBC_TUNABLES: "glibc.malloc.tcache_count=0:glibc.malloc.arena_max=2",
      },
    ],
    [
      [["glibc.tcache_count", "0"]],
      "GLIBC_TUNABLES=glibc.malloc.check=1",
      {
        GLIBC_TUNABLES: "glibc.malloc.check=1:glibc.malloc.tcache_count=0",
      },
    ],
    [
      [
        ["jemalloc.narenas", "2"],
        ["jemalloc.background_thread", "true"],
      ],
      "MALLOC_CONF=narenas:9,prof:true",
      {
        MALLOC_CONF: "prof:true,narenas:2,background_thread:true",
      },
    ],
    [[["jemalloc.narenas", "2"]], "_RJEM_MALLOC_CONF=prof:true", { _RJEM_MALLOC_CONF: "prof:true,narenas:2" }],
    [
      [["loader.preload", jemalloc]],
      "LD_PRELOAD=/usr/lib/libtcmalloc.so.4 /usr/lib/tidemark/libtidemark.so",
      {
        LD_PRELOAD: `${jemalloc} /usr/lib/tidemark/libtidemark.so`,
      },
    ],
    [
      [["loader.preload", "/usr/lib/tidemark/libtidemark.so"]],
      `LD_PRELOAD=${jemalloc}`,
      {
        LD_PRELOAD: `${jemalloc} /usr/lib/tidemark/libtidemark.so`,
      },
    ],
    [
      [
        ["jvm.Xmx", "64m"],
        ["jvm.UseZGC", ""],
      ],
      null,
      { JAVA_TOOL_OPTIONS: "-Xmx64m -XX:+UseZGC" },
    ],
    [
      [["node.max-old-space-size", "64"]],
      "NODE_OPTIONS=--enable-source-maps",
      {
        NODE_OPTIONS: "--enable-source-maps --max-old-space-size=64",
      },
    ],
    [[["kernel.vm.max_map_count", "262144"]], null, {}],
  ] as const;
  for (const [changes, tunables, expected] of cases) deepEqual(set(changes, tunables), expected, String(tunables));
});

test("what is too long, or would not be seen, is not carried on from a stranger's environment", () => {
  for (const kept of [`/x${"y".repeat(2_000)}.so`, "/a\u0007b.so", "/a\u202eb.so"])
    deepEqual(set([["loader.preload", "/shim.so"]], `LD_PRELOAD=${kept}`), { LD_PRELOAD: "/shim.so" }, kept.slice(0, 10));
});

/** Characters that mean something to a shell, a unit file, a Dockerfile or YAML. */
const hostile = `/a'b"c$(id)\`id\`%n\\d;e&f|g{h}*#.so`;
const hostileForms = new Map(
  formsOf([{ knob: "loader.preload", value: "/shim.so" }], parseTunables(`LD_PRELOAD=${hostile}`)).map(({ name, text }) => [
    name,
    text,
  ]),
);
const expected = `${hostile} /shim.so`;

test("a shell reads the value as it was", () => {
  const line = hostileForms.get("environment") ?? "";
  const { stdout } = spawnSync("sh", ["-c", `${line.replace("LD_PRELOAD", "VALUE")} sh -c 'printf %s "$VALUE"'`], {
    encoding: "utf8",
  });
  equal(stdout, expected);
});

test("JSON and YAML hold the value as it was", () => {
  deepEqual(JSON.parse(hostileForms.get("ECS task definition, environment") ?? ""), [{ name: "LD_PRELOAD", value: expected }]);
  const [, value = ""] = /value: (".*")$/m.exec(hostileForms.get("Kubernetes container") ?? "") ?? [];
  // Kubernetes writes $$( for a $( that is not to be expanded.
  equal(JSON.parse(value).replaceAll("$$(", "$("), expected);
  ok(!/(?<!\$)\$\(/.test(JSON.parse(value)));
});

test("unit file and Dockerfile escape what they would expand", () => {
  const unit = hostileForms.get("systemd, systemctl edit <service>") ?? "";
  match(unit, /^\[Service\]\nEnvironment="LD_PRELOAD=/);
  ok(unit.includes("%%n") && unit.includes('\\"c') && unit.includes("\\\\d"), unit);
  const docker = hostileForms.get("Dockerfile") ?? "";
  ok(docker.includes("\\$(id)") && docker.includes('\\"c') && docker.includes("\\\\d"), docker);
});

test("sysctl settings come as a command and as a file", () => {
  deepEqual(formsOf([{ knob: "kernel.vm.max_map_count", value: "262144" }], parseTunables(null)), [
    { name: "sysctl", text: "sysctl -w vm.max_map_count=262144" },
    { name: "/etc/sysctl.d/90-tidemark.conf", text: "vm.max_map_count = 262144" },
  ]);
});

test("the pools compile, and the one in C gives slots that hold what they should", { skip: missing("cc", "g++") }, () => {
  const pinned_bytes_by_size = [0, 0, MIB, 0, 0, 40 * MIB];
  const { recommendations } = advise(
    input("fragmentation", { live_bytes: MIB, free_resident_bytes: 80 * MIB, reclaimable_bytes: 0, pinned_bytes_by_size }),
  );
  const forms = recommendations.find(({ id }) => id === "program.pool")?.forms ?? [];
  const text = (name: string) => forms.find((form) => form.name === name)?.text ?? "";
  match(text("in C"), /512 B-1 KiB, which pin most/);
  const folder = mkdtempSync(join(tmpdir(), "tidemark-pool-"));
  const build = (command: string, args: readonly string[]) => {
    const { status, stderr } = spawnSync(command, [...args], { cwd: folder, encoding: "utf8" });
    equal(status, 0, stderr);
  };
  try {
    const main = `#include <string.h>
int main(void) {
    char *one = pool_get(), *other = pool_get();
    if (!one || !other || (one - other < 1024 && other - one < 1024)) return 1;
    memset(one, 1, 1024);
    memset(other, 2, 1024);
    if (one[1023] != 1) return 2;
    pool_put(one);
    return pool_get() == one ? 0 : 3;
}
`;
    writeFileSync(join(folder, "pool.c"), `${text("in C")}\n${main}`);
    build("cc", ["-std=c11", "-Wall", "-Wextra", "-Werror", "-o", "pool", "pool.c"]);
    equal(spawnSync(join(folder, "pool")).status, 0);
    writeFileSync(join(folder, "pool.cc"), `struct Session { char bytes[200]; };\n${text("in C++17")}\n`);
    build("g++", ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-c", "pool.cc"]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
