// The facts that the doctor gathers: what the kernel's files say, and that looking changes nothing.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readConfig } from "../../../collector/config.ts";
import { openSpool } from "../../../collector/ship/spool.ts";
import { gatherDestination, gatherInstance } from "../../../local/doctor/gather-destination.ts";
import { capabilitiesOf, gatherKernel, hidepidOf, lockdownOf } from "../../../local/doctor/gather-kernel.ts";
import { folderFacts, gatherWalker } from "../../../local/doctor/gather-places.ts";
import { gatherRunning } from "../../../local/doctor/gather-running.ts";
import { startAws } from "../../aws/endpoint.ts";
import { walkerPath } from "../../support/native.ts";
import { freePort } from "../../support/service.ts";

const emptyFolder = () => mkdtempSync(join(tmpdir(), "tidemark-"));

test("capabilities are the bits of CapEff, not those of the other lines", () => {
  const status = (effective: string) => `CapPrm:\t000001ffffffffff\nCapEff:\t${effective}\nCapBnd:\t000001ffffffffff\n`;
  deepEqual([...capabilitiesOf(status("0000000000080004"))], ["CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE"]);
  deepEqual([...capabilitiesOf(status("0000000000000008"))], ["CAP_FOWNER"]);
  for (const text of [status("0000000000000000"), "", "CapEff:\tnothing\n"]) deepEqual([...capabilitiesOf(text)], [], text);
});

test("hidepid is that of the last mount on /proc itself", () => {
  const line = (point: string, options: string) => `22 27 0:21 / ${point} rw,relatime shared:5 - proc proc ${options}\n`;
  const cases = [
    [line("/proc", "rw"), null],
    [line("/proc", "rw,hidepid=2"), "2"],
    [line("/proc", "rw,gid=4,hidepid=invisible"), "invisible"],
    [line("/proc", "rw,hidepid=2") + line("/proc", "rw"), null],
    [line("/chroot/proc", "rw,hidepid=2"), null],
    ["", null],
  ] as const;
  for (const [mountinfo, hidepid] of cases) equal(hidepidOf(mountinfo), hidepid, mountinfo);
});

test("the lockdown in effect is the one in brackets", () => {
  equal(lockdownOf("none [integrity] confidentiality\n"), "integrity");
  equal(lockdownOf("[none] integrity confidentiality\n"), "none");
  equal(lockdownOf(null), null);
});

test("this kernel's facts are there", () => {
  const facts = gatherKernel(5);
  match(facts.release, /^\d+\.\d+/);
  ok(facts.hasSmapsRollup && facts.hasPagemap);
  ok((facts.mapCountLimit ?? 0) > 1_000);
  equal(facts.nowMs, 5);
});

test("a folder that is not there is described by what is above it, and not made", () => {
  const above = emptyFolder();
  const path = join(above, "a", "b");
  const facts = folderFacts(path);
  deepEqual([facts.exists, facts.looseAbove, facts.isReadOnly], [false, null, false]);
  ok((facts.freeBytes ?? 0) > 0);
  equal(existsSync(join(above, "a")), false);
});

test("a folder that anyone may replace, and a link, are seen as that", () => {
  const above = emptyFolder();
  chmodSync(above, 0o777);
  mkdirSync(join(above, "spool"), { mode: 0o750 });
  const facts = folderFacts(join(above, "spool"));
  deepEqual([facts.looseAbove, facts.mode, facts.isLink], [above, 0o750, false]);
  const other = emptyFolder();
  symlinkSync(above, join(other, "link"));
  equal(folderFacts(join(other, "link")).isLink, true);
});

test("the walker is asked for its version; another architecture's is not even started", () => {
  const { version, problem, architecture } = gatherWalker(walkerPath());
  match(version ?? "", /^tidemark-walk \d/);
  deepEqual([problem, architecture], [null, process.arch]);
  const foreign = join(emptyFolder(), "walk");
  const header = Buffer.alloc(64);
  header.write("\u007fELF", "latin1");
  header.writeUInt16LE(process.arch === "arm64" ? 62 : 183, 18);
  writeFileSync(foreign, header, { mode: 0o755 });
  deepEqual(gatherWalker(foreign).architecture, process.arch === "arm64" ? "x64" : "arm64");
  equal(gatherWalker("/nonexistent/walk").problem, "ENOENT");
  const strange = join(emptyFolder(), "walk");
  writeFileSync(strange, "#!/bin/sh\necho something else\n", { mode: 0o755 });
  match(gatherWalker(strange).problem ?? "", /does not say its version/);
});

test("the collector that runs is found by its spool's lock; a lock that outlived its holder names nobody", () => {
  const folder = join(emptyFolder(), "spool");
  equal(gatherRunning(folder), null);
  const spool = openSpool({ folder, bytesMax: 64 * 1_024 * 1_024 });
  equal(gatherRunning(folder)?.pid, process.pid);
  spool.close();
  for (const text of ["", "x", `boot ${process.pid} 1`, "boot ../self 1", "\u0000"]) {
    writeFileSync(join(folder, "lock"), text);
    equal(gatherRunning(folder), null, text);
  }
  equal(gatherRunning(null), null);
});

const configOf = (env: Readonly<Record<string, string>>) => {
  const config = readConfig(env);
  if (!config.ok) throw new Error(config.error.join());
  return config.value;
};

test("a stream's endpoint is resolved and connected to, credentials are found and named, and no API is called", async () => {
  await using aws = await startAws();
  const before = { ...process.env };
  try {
    Object.assign(process.env, aws.environment);
    const facts = await gatherDestination(configOf({ TIDEMARK_FIREHOSE_STREAM: "s" }), true, process.env);
    if (facts.kind !== "firehose") throw new Error(facts.kind);
    deepEqual(
      [facts.connectProblem, facts.address, facts.region],
      [null, new URL(aws.url).host, aws.environment["AWS_REGION"]],
    );
    deepEqual(facts.credentials, { kind: "found", source: "env vars", expiresAtMs: null });
    ok(!JSON.stringify(facts).includes(aws.environment["AWS_SECRET_ACCESS_KEY"] ?? "?"));
    deepEqual(aws.calls, []);
    const nobody = await freePort();
    const refused = await gatherDestination(configOf({ TIDEMARK_FIREHOSE_STREAM: "s" }), true, {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${nobody}`,
    });
    equal(refused.kind === "firehose" && refused.connectProblem, "ECONNREFUSED");
  } finally {
    process.env = before;
  }
});

test("a metadata service that is there is told, one that is not is silent", async () => {
  await using aws = await startAws();
  const endpoint = aws.environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? aws.url;
  const known = await gatherInstance(configOf({ TIDEMARK_DELIVERY_FOLDER: "x", AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint }));
  equal(known.kind, "known");
  const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  const silent = await gatherInstance(
    configOf({ TIDEMARK_DELIVERY_FOLDER: "x", AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${port}` }),
  );
  equal(silent.kind, "silent");
  deepEqual(await gatherInstance(configOf({ TIDEMARK_DELIVERY_FOLDER: "x", TIDEMARK_IMDS: "off" })), { kind: "off" });
  server.close();
});
