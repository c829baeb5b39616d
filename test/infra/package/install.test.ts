// The package on a machine with a real systemd: installed, started, upgraded, removed, purged, and nothing left behind.
// What is in it is package.test.ts's.
import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { appendFileSync, copyFileSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { decodeBatch } from "../../../schema/decode.ts";
import { type Machine, noMachine, startMachine } from "./machine.ts";
import { debianName, makePackages, nextVersion, version } from "./packages.ts";

const skip = noMachine();
const UNIT = "tidemark-collector";
const CONFIG = "/etc/tidemark/collector.conf";
/** CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH: bits 19 and 2 of linux/capability.h. */
const TWO_CAPABILITIES = "0000000000080004";
const DELIVERY = "/var/lib/tidemark/delivery";
const SETTINGS = `TIDEMARK_DELIVERY_FOLDER=${DELIVERY}
TIDEMARK_TICK_MS=100
TIDEMARK_ROW_MS=200
TIDEMARK_FLUSH_MS=400
TIDEMARK_RSS_BYTES_MIN=0
TIDEMARK_IMDS=off
`;
const LIVE_BYTES = 20_000_000;

/** Not in /tmp: that is emptied when the first service starts. */
function bring(machine: Machine, file: string, as: string): void {
  mkdirSync(machine.outside("/run/packages"), { recursive: true });
  copyFileSync(file, machine.outside(as));
}

function install(machine: Machine, deb: string): string {
  bring(machine, deb, "/run/packages/tidemark.deb");
  return machine.output("dpkg", "--install", "/run/packages/tidemark.deb");
}

/** Where the collector speaks to, as there is no journal. */
function keepLog(machine: Machine): void {
  const folder = machine.outside(`/run/systemd/system/${UNIT}.service.d`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "log.conf"), "[Service]\nStandardError=append:/run/collector.log\n");
  machine.output("systemctl", "daemon-reload");
}

const property = (machine: Machine, name: string): string => machine.output("systemctl", "show", "-P", name, UNIT).trim();

/** Rows of the program in all that was delivered so far. */
function rowsOf(machine: Machine, comm: string): readonly Readonly<Record<string, unknown>>[] {
  const folder = machine.outside(DELIVERY);
  return globSync("raw/*/*/*.ndjson.gz", { cwd: folder }).flatMap((object) => {
    const { tables, rejects } = decodeBatch(gunzipSync(readFileSync(join(folder, object))).toString(), Date.now());
    deepEqual(rejects, []);
    const { rowCount = 0, columns = {} } = tables.process ?? {};
    const rows = Array.from({ length: rowCount }, (_, row) =>
      Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[row]])),
    );
    return rows.filter((row) => row["comm"] === comm);
  });
}

/** Somebody else's process with 20 MB of small pieces, and what the collector says of it. */
async function watchesOthers(machine: Machine): Promise<void> {
  machine.run("systemctl", "stop", "others");
  const holds = 'my @a = map { "x" x 1000 } 1 .. 20000; sleep 1000';
  machine.output("systemd-run", "--quiet", "--collect", "--uid=nobody", "--unit=others", "perl", "-e", holds);
  const found = () => rowsOf(machine, "perl").find(({ live_bytes }) => Number(live_bytes) > LIVE_BYTES);
  // A walk that finds the heap still growing is tried again after 500 times its cost: several seconds.
  for (let tries = 0; tries < 300 && found() === undefined; tries++) await sleep(100);
  const row = found();
  if (row === undefined) throw new Error(`no heap of another user's process: ${logOf(machine)}`);
  equal(row["heap_source"], "walk");
  equal(row["service"], "others", "named by its environment and cgroup, which are another user's as well");
}

function logOf(machine: Machine): string {
  return machine.run("tail", "-n", "20", "/run/collector.log").stdout;
}

/** What dpkg, useradd and systemd write down about themselves; the lists of users are compared by what they say. */
const KEPT_BY_OTHERS =
  /^\/(var\/(lib\/(dpkg|systemd)|log|cache\/(man|ldconfig|debconf))\/|etc\/(passwd|group|shadow|gshadow|subuid|subgid)-?$|etc\/(\.pwd\.lock|machine-id)$|\.upper)/;

function nothingIsLeft(machine: Machine, before: readonly string[]): void {
  const left = machine.changed().filter((path) => !before.includes(path) && !KEPT_BY_OTHERS.test(path));
  deepEqual(left, []);
  for (const list of ["passwd", "group"])
    equal(readFileSync(machine.outside(`/etc/${list}`), "utf8"), readFileSync(`/etc/${list}`, "utf8"));
  equal(machine.run("ls", "/run/tidemark").status, 2);
}

test("the .deb: installed, it waits to be told where to; told, it sees others' heaps with two capabilities; and it goes as it came", {
  skip,
  timeout: 180_000,
}, async () => {
  const packages = makePackages("--arch", process.arch, "--only", "deb");
  const next = makePackages("--arch", process.arch, "--only", "deb", "--version", nextVersion);
  await using machine = await startMachine();
  const before = machine.changed();

  match(install(machine, join(packages, `tidemark-collector_${version}_${debianName}.deb`)), /set TIDEMARK_FIREHOSE_STREAM in/);
  equal(property(machine, "UnitFileState"), "enabled");
  equal(property(machine, "ActiveState"), "inactive", "skipped, not failed");
  match(machine.output("getent", "passwd", "tidemark"), /^tidemark:.*:\/var\/lib\/tidemark:\S+nologin$/m);
  equal(
    machine.output("stat", "-c", "%a %U:%G", "/var/lib/tidemark", "/run/tidemark/rings"),
    "750 tidemark:tidemark\n1733 tidemark:root\n",
  );

  keepLog(machine);
  writeFileSync(machine.outside(CONFIG), SETTINGS);
  machine.output("systemctl", "start", UNIT);
  await watchesOthers(machine);
  const first = property(machine, "MainPID");
  const status = machine.output("cat", `/proc/${first}/status`);
  for (const set of ["CapPrm", "CapEff", "CapBnd", "CapAmb"]) match(status, new RegExp(`^${set}:\t${TWO_CAPABILITIES}$`, "m"));
  match(status, /^NoNewPrivs:\t1$/m);
  match(status, /^Seccomp:\t2$/m);
  const user = machine.output("id", "-u", "tidemark").trim();
  match(status, new RegExp(`^Uid:\t${user}\t${user}\t${user}\t${user}$`, "m"));
  equal(property(machine, "MemoryMax"), String(150 * 1_024 * 1_024));
  const sockets = ["tcp", "tcp6", "udp", "udp6"].map((kind) =>
    machine.output("tail", "-n", "+2", `/proc/${first}/net/${kind}`),
  );
  deepEqual(sockets, ["", "", "", ""], "nobody can reach it");
  match(machine.output("tidemark", "inspect", machine.output("systemctl", "show", "-P", "MainPID", "others").trim()), /perl/);
  equal(machine.run("tidemark", "doctor").status, 0);

  // Its folder, and writable in its sandbox: others' files go without CAP_FOWNER, here even without the two capabilities.
  machine.output("install", "-o", "nobody", "-m", "0600", "/dev/null", "/run/tidemark/rings/1-1.ring");
  const asUser = ["setpriv", "--reuid=tidemark", "--regid=tidemark", "--clear-groups"];
  machine.output("nsenter", `--target=${first}`, "--mount", "--root", ...asUser, "rm", "/run/tidemark/rings/1-1.ring");

  machine.output("systemctl", "reload", UNIT);
  for (let tries = 0; tries < 50 && !logOf(machine).includes("settings were read again"); tries++) await sleep(50);
  match(logOf(machine), /settings were read again/);
  equal(property(machine, "MainPID"), first, "a reload is no restart");

  appendFileSync(machine.outside(CONFIG), "# ours\n");
  const objects = () => globSync("raw/*/*/*.ndjson.gz", { cwd: machine.outside(DELIVERY) }).length;
  const delivered = objects();
  match(install(machine, join(next, `tidemark-collector_${nextVersion}_${debianName}.deb`)), /Setting up/);
  match(machine.output("dpkg", "--list", UNIT), new RegExp(`^ii +tidemark-collector +${nextVersion} `, "m"));
  equal(readFileSync(machine.outside(CONFIG), "utf8"), `${SETTINGS}# ours\n`);
  notEqual(property(machine, "MainPID"), first, "the new version runs");
  equal(property(machine, "ActiveState"), "active");
  match(machine.output("tidemark", "--version"), new RegExp(`^${nextVersion}$`, "m"));
  await watchesOthers(machine);
  ok(objects() > delivered);

  const stoppedMs = performance.now();
  machine.output("systemctl", "stop", UNIT);
  ok(performance.now() - stoppedMs < 5_000, "SIGTERM ends it within five seconds");
  equal(property(machine, "Result"), "success", "and not by SIGKILL");
  match(logOf(machine), /"is_all_delivered":true/);
  machine.output("systemctl", "start", UNIT);

  machine.output("dpkg", "--remove", UNIT);
  notEqual(machine.run("systemctl", "is-active", UNIT).status, 0);
  equal(machine.run("test", "-e", "/usr/lib/tidemark").status, 1);
  equal(readFileSync(machine.outside(CONFIG), "utf8"), `${SETTINGS}# ours\n`, "settings stay");
  ok(objects() > delivered, "and what was measured");

  rmSync(machine.outside(`/run/systemd/system/${UNIT}.service.d`), { recursive: true });
  machine.output("dpkg", "--purge", UNIT);
  nothingIsLeft(machine, before);
});

test("the .deb in a container without an init: user and folders are made, nothing is started, nothing fails", {
  skip,
  timeout: 120_000,
}, async () => {
  const packages = makePackages("--arch", process.arch, "--only", "deb");
  await using machine = await startMachine();
  const before = machine.changed();
  // What a container is without: systemd says by this folder that it runs.
  machine.output("mount", "-t", "tmpfs", "none", "/run/systemd");
  install(machine, join(packages, `tidemark-collector_${version}_${debianName}.deb`));
  equal(machine.output("stat", "-c", "%a %U", "/var/lib/tidemark", "/run/tidemark/rings"), "750 tidemark\n1733 tidemark\n");
  match(machine.output("tidemark-collector", "--help"), /--firehose-stream/);
  machine.output("dpkg", "--purge", UNIT);
  nothingIsLeft(machine, before);
});

test("the tarball: installs, upgrades and goes in the same way where there is no dpkg", {
  skip,
  timeout: 120_000,
}, async () => {
  const packages = makePackages("--arch", process.arch, "--only", "tar");
  const name = `tidemark-collector-${version}-linux-${process.arch}`;
  await using machine = await startMachine();
  const before = machine.changed();
  bring(machine, join(packages, `${name}.tar.gz`), "/run/packages/tidemark.tar.gz");
  machine.output("tar", "-C", "/run/packages", "-xzf", "/run/packages/tidemark.tar.gz");
  match(machine.output(`/run/packages/${name}/install`), /set TIDEMARK_FIREHOSE_STREAM in/);
  keepLog(machine);
  writeFileSync(machine.outside(CONFIG), SETTINGS);
  machine.output("systemctl", "start", UNIT);
  await watchesOthers(machine);
  const first = property(machine, "MainPID");
  machine.output(`/run/packages/${name}/install`);
  notEqual(property(machine, "MainPID"), first, "an upgrade restarts it");
  equal(readFileSync(machine.outside(CONFIG), "utf8"), SETTINGS);
  equal(
    machine.run("cmp", `${CONFIG}.new`, `/run/packages/${name}${CONFIG}`).status,
    0,
    "the settings that came with it lie beside",
  );
  machine.output(`/run/packages/${name}/uninstall`);
  notEqual(machine.run("systemctl", "is-active", UNIT).status, 0);
  equal(readFileSync(machine.outside(CONFIG), "utf8"), SETTINGS);
  rmSync(machine.outside(`/run/systemd/system/${UNIT}.service.d`), { recursive: true });
  machine.output(`/run/packages/${name}/install`);
  machine.output(`/run/packages/${name}/uninstall`, "--purge");
  nothingIsLeft(machine, before);
});
