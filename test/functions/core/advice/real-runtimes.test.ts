// The catalogue against the runtimes of this machine and its kernel: each flag is taken without being unlocked, each name is there.
import { equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { catalogue, presenceOf } from "../../../../functions/core/advice/catalogue.ts";
import { missing } from "../../../support/need.ts";

function output(command: string, args: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const env = { PATH: process.env["PATH"] ?? "", HOME: homedir(), ...variables };
  const { status, stdout, stderr, error } = spawnSync(command, args, { env, encoding: "utf8", timeout: 120_000 });
  if (error !== undefined) throw error;
  return { status, text: stdout + stderr };
}

const found = (patterns: readonly string[], name: string): readonly string[] => {
  const inPath = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim();
  return [...new Set([...globSync([...patterns]), ...(inPath === "" ? [] : [inPath])].map((path) => realpathSync(path)))];
};

const jvmValues: Readonly<Record<string, string>> = {
  "jvm.G1PeriodicGCInterval": "60000",
  "jvm.MinHeapFreeRatio": "10",
  "jvm.MaxHeapFreeRatio": "80",
  "jvm.SoftMaxHeapSize": "32m",
  "jvm.UseZGC": "",
  "jvm.ZUncommit": "",
  "jvm.ZUncommitDelay": "60",
  "jvm.TrimNativeHeapInterval": "60000",
  "jvm.Xmx": "64m",
  "jvm.MaxRAMPercentage": "50",
};

test("each java here takes the flags that its version has, as they are, and no others", { skip: missing("java") }, () => {
  for (const java of found(["/usr/lib/jvm/*/bin/java"], "java")) {
    const [, version = ""] = /version "([^"]+)"/.exec(output(java, ["-version"]).text) ?? [];
    match(version, /^\d/);
    for (const knob of catalogue) {
      if (knob.via.kind !== "jvm_flag") continue;
      const value = jvmValues[knob.id];
      ok(value !== undefined, `${knob.id} needs a value to be tried with`);
      const flag = `${knob.via.flag}${value}`;
      const { status, text } = output(java, [flag, "-XX:+PrintFlagsFinal", "-version"]);
      const isPresent = presenceOf(knob, version).kind === "present";
      equal(status === 0, isPresent, `${flag} with java ${version}: ${text.slice(0, 300)}`);
      const [, name] = /^-XX:\+?(\w+)/.exec(flag) ?? [];
      if (isPresent && name !== undefined) match(text, new RegExp(` ${name} +:?= .*\\{command line\\}`), `${flag} ${version}`);
    }
  }
});

test("each node here takes the options that its version has, by NODE_OPTIONS as well", () => {
  for (const node of [...new Set([realpathSync(process.execPath), ...found([], "node")])]) {
    const version = output(node, ["--version"]).text.trim();
    for (const knob of catalogue) {
      if (knob.via.kind !== "node_option") continue;
      const isPresent = presenceOf(knob, version).kind === "present";
      const option = `${knob.via.option}64`;
      equal(output(node, [option, "-e", "0"]).status === 0, isPresent, `${option} with ${version}`);
      equal(
        output(node, ["-e", "0"], { NODE_OPTIONS: option }).status === 0,
        isPresent,
        `NODE_OPTIONS ${option} with ${version}`,
      );
    }
  }
});

test("each python here takes PYTHONMALLOC as its version does", { skip: missing("python3") }, () => {
  const pythons = found([join(homedir(), ".pyenv/versions/3.*/bin/python3"), "/usr/bin/python3"], "python3");
  for (const python of pythons.filter((path) => !path.includes("shims"))) {
    const version = output(python, ["--version"]).text;
    for (const [id, value] of [
      ["python.PYTHONMALLOC", "malloc"],
      ["python.PYTHONMALLOC_mimalloc", "mimalloc"],
    ] as const) {
      const knob = catalogue.find((candidate) => candidate.id === id);
      ok(knob !== undefined);
      const { status } = output(python, ["-c", "0"], { PYTHONMALLOC: value });
      equal(status === 0, presenceOf(knob, version).kind === "present", `${value} with ${version}`);
    }
  }
});

test("go reads GOMEMLIMIT and GOGC", { skip: missing("go") }, () => {
  const folder = mkdtempSync(join(tmpdir(), "tidemark-go-"));
  try {
    const program = `package main
import "runtime/debug"
func main() { println(debug.SetMemoryLimit(-1), debug.SetGCPercent(50)) }
`;
    writeFileSync(join(folder, "main.go"), program);
    // Built before, for the compiler would heed the variables too.
    const built = output("go", ["build", "-o", join(folder, "program"), join(folder, "main.go")], {
      GOCACHE: join(folder, "cache"),
    });
    equal(built.status, 0, built.text);
    match(output(join(folder, "program"), [], { GOMEMLIMIT: "7MiB", GOGC: "33" }).text, /^7340032 33$/m);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("the kernel has each sysctl and file of the catalogue", () => {
  for (const { via } of catalogue) {
    if (via.kind === "sysctl") ok(existsSync(`/proc/sys/${via.name.replaceAll(".", "/")}`), via.name);
    if (via.kind === "sysfs" && existsSync("/sys/kernel/mm/transparent_hugepage")) ok(existsSync(via.path), via.path);
  }
});
