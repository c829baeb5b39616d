// A watched machine at its worst: programs that die at any moment, clocks that jump, pids that come again, and disks that fail.
// What is promised is in the lake once, or in rejects/ with a reason. The way to the lake has its own faults (way.test.ts).
import { deepEqual, equal } from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openLake } from "../../local/duckdb.ts";
import { names } from "../aws/deployment.ts";
import { throttled } from "../aws/faults.ts";
import { until } from "../support/service.ts";
import { type Line, startLine } from "./line.ts";
import { suffer } from "./suffer.ts";
import { pick } from "./suite.ts";
import type { Inhabitant } from "./world.ts";
import { noWorld } from "./world.ts";

const options = { skip: noWorld() };
const BOOT = "00000000-0000-4000-8000-000000000001";
let line: Line;
before(async () => {
  if (options.skip !== false) return;
  line = await startLine(BOOT);
  await line.recovered();
});
after(async () => {
  if (options.skip === false) await line[Symbol.asyncDispose]();
});

const gone = async (inhabitant: Inhabitant): Promise<void> => {
  inhabitant.kill("SIGKILL");
  await inhabitant.ended;
};

/** In half of all moments nothing can be delivered meanwhile: rows are then on the disk alone. */
const perhapsCutOff = (random: () => number): void => {
  if (random() < 0.5) line.deployment.aws.faults.inject({ service: "firehose", ...throttled });
};
const reconnect = (): void => line.deployment.aws.faults.clear();

test("kill -9 of the collector", options, (t) =>
  suffer(t, line, {
    name: "collector: kill -9",
    moments: 30,
    spreadMs: 3_000,
    isRelentless: true,
    async strike(random) {
      perhapsCutOff(random);
      await sleep(random() * 700);
      await gone(await line.host.collector());
      reconnect();
    },
  }),
);

test("kill -9 of the walker, often in the midst of a walk", options, (t) =>
  suffer(t, line, {
    name: "walker: kill -9",
    moments: 30,
    spreadMs: 600,
    isRelentless: true,
    async strike() {
      const { host } = line;
      // While it is paused after failures there is none; the next walk starts another.
      const pid = await until("a walker", () => host.walker(), host.log);
      process.kill(pid, "SIGKILL");
    },
  }),
);

test("kill -9 of a watched program, and its restart", options, (t) =>
  suffer(t, line, {
    name: "watched program: kill -9",
    moments: 20,
    spreadMs: 600,
    isRelentless: true,
    async strike(random) {
      const program = pick(random, line.host.programs);
      await gone(program.inhabitant());
      await sleep(random() * 300);
      await program.restart();
    },
  }),
);

test("the clock jumps, forwards and back, by seconds to months", options, (t) =>
  suffer(t, line, {
    name: "clock: jumps both ways",
    moments: 20,
    spreadMs: 900,
    isRelentless: true,
    mayReject: true,
    async strike(random) {
      const size = pick(random, [1_000, 60_000, 3_600_000, 86_400_000, 20 * 86_400_000, 90 * 86_400_000]);
      await line.host.setClock((random() < 0.5 ? -1 : 1) * random() * size);
      if (random() < 0.3) await gone(await line.host.collector());
    },
    mend: () => line.host.setClock(0),
  }),
);

test("the machine reboots: another boot id, an empty /run, the disk as it was", options, (t) =>
  suffer(t, line, {
    name: "machine: power cut and reboot",
    moments: 6,
    spreadMs: 600,
    async strike(random) {
      perhapsCutOff(random);
      await sleep(random() * 500);
      await line.host.reboot(randomUUID());
      reconnect();
    },
  }),
);

test("a pid is used again at once by another service: no row mixes the two", options, async (t) => {
  const given: { readonly pid: number; readonly service: string }[] = [];
  await suffer(t, line, {
    name: "pid: used again at once",
    moments: 10,
    spreadMs: 400,
    async strike(random) {
      const program = pick(random, line.host.programs);
      const { innerPid } = program.inhabitant();
      await gone(program.inhabitant());
      const service = `fault-heir-${given.length}`;
      await program.restart({ pid: innerPid, service });
      equal(program.inhabitant().innerPid, innerPid);
      given.push({ pid: innerPid, service });
      // The heir has a row of its own before the next is born.
      await line.recovered();
    },
  });
  const lake = await openLake(line.deployment.aws.s3.folderOf(names.lake));
  const { rows } = await lake.query(
    `SELECT process_key, count(DISTINCT service) AS services, count(DISTINCT pid) AS pids
     FROM process_samples GROUP BY process_key HAVING count(DISTINCT service) > 1 OR count(DISTINCT pid) > 1`,
  );
  const heirs = await lake.query(
    `SELECT DISTINCT service, pid FROM process_samples WHERE service LIKE 'fault-heir-%' ORDER BY service`,
  );
  lake.close();
  deepEqual(rows, [], "a process has one name and one pid");
  deepEqual(
    heirs.rows.map(([service, pid]) => `${service} ${pid}`),
    given.map(({ service, pid }) => `${service} ${pid}`).sort(),
  );
});

/** What is in the way of the spool, and how it goes away again. */
const disks = {
  full: {
    begin: () => line.host.world.run("sh", "-c", `dd if=/dev/zero of=${line.host.disk}/filler bs=64k 2>/dev/null || true`),
    end: () => line.host.world.run("rm", "-f", `${line.host.disk}/filler`),
  },
  "without inodes": {
    begin: () =>
      line.host.world.run("sh", "-c", `i=0; while touch ${line.host.disk}/inode-$i 2>/dev/null; do i=$((i+1)); done`),
    end: () => line.host.world.run("sh", "-c", `rm -f ${line.host.disk}/inode-*`),
  },
  "read-only": {
    begin: () => line.host.world.run("mount", "-o", "remount,ro", line.host.disk),
    end: () => line.host.world.run("mount", "-o", "remount,rw", line.host.disk),
  },
} as const;

async function inUseAgain(): Promise<void> {
  const { promises, log } = line.host;
  const known = Math.max(promises.newest(), line.originals.newest());
  await until("the spool is in use again", () => (promises.newest() > known ? true : null), log);
}

for (const [kind, { begin, end }] of Object.entries(disks)) {
  test(`the disk of the spool is ${kind}: rows wait in memory and arrive`, options, (t) =>
    suffer(t, line, {
      name: `disk: ${kind}`,
      moments: 6,
      spreadMs: 500,
      async strike(random, moment) {
        const { host } = line;
        // A file that is open for writing keeps a disk from being made read-only, and one that is open needs no inode:
        // the collector meets both when it starts.
        const isMetAtStart = kind !== "full";
        if (kind === "read-only") await host.restart(begin);
        else begin();
        if (kind === "without inodes") await gone(await host.collector());
        if (isMetAtStart) await line.recovered();
        perhapsCutOff(random);
        await sleep(300 + random() * 1_500);
        reconnect();
        await line.recovered();
        end();
        // A spool that could not be opened is tried again after five minutes, half a one here: that is waited for once.
        if (isMetAtStart && moment > 0) (await host.collector()).kill("SIGTERM");
        if (isMetAtStart && moment === 0) await inUseAgain();
      },
      mend: inUseAgain,
    }),
  );
}

test("stopped in order, it leaves an empty spool", options, async () => {
  // One that has only just been started would not hear the signal.
  await line.recovered();
  await line.host.stop();
  await until("its last words", () => (/collector stopped","is_all_delivered":true/.test(line.host.log()) ? true : null));
  line.deployment.aws.firehose.flush();
  equal(line.host.promises.waiting(), 0);
});
