// A watched machine under faults: real programs, and a collector that is started again when it ends, as systemd does.
// What befalls it is the tests'; what it has promised is promises.ts's.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { walkerPath, workloadPath } from "../support/native.ts";
import { until } from "../support/service.ts";
import { type Promises, watchPromises } from "./promises.ts";
import { type Inhabitant, mountDisk, startWorld, type World } from "./world.ts";

const entry = fileURLToPath(new URL("../../collector/main.ts", import.meta.url));
const clock = fileURLToPath(new URL("clock.ts", import.meta.url));
/** Times that waits pass faster: a back-off of half a minute takes three seconds. */
export const SPEED = 10;
/** In the collector's own time: a tick is 0.2 s, a row and a shipment 0.5 s. Time is compressed, cost is not: walks may take more. */
const PACE = {
  TIDEMARK_TICK_MS: "2000",
  TIDEMARK_ROW_MS: "5000",
  TIDEMARK_FLUSH_MS: "5000",
  TIDEMARK_WALK_COST_SHARE_MAX: "0.2",
  TIDEMARK_ALL_WALKS_COST_SHARE_MAX: "0.5",
  TIDEMARK_ROLLUP_COST_SHARE_MAX: "0.05",
};
/** RestartSec of the unit is ten seconds; in the collector's own time. */
const RESTART_MS = 10_000 / SPEED / 5;
const LOOK_MS = 50;
/** Of a tmpfs: spool and black box at their smallest bounds fit. */
const DISK = "size=12m,nr_inodes=64";
const WORKLOADS = ["fragmented", "healthy", "leak"] as const;

export interface Host extends AsyncDisposable {
  readonly world: World;
  readonly promises: Promises;
  readonly disk: string;
  /** The collector that runs; waits for one while it is being started again. */
  collector(): Promise<Inhabitant>;
  /** Pid of its walker as seen from outside; null while there is none. */
  walker(): Promise<number | null>;
  /** Ends the collector for good, in order, or with a signal that it cannot hear. */
  stop(): Promise<void>;
  /** kill -9 of the collector, and what is done before the next one starts. */
  restart(between: () => void): Promise<void>;
  /** Everything ends at once; the machine comes up with another boot id, empty /run, and what is on the disk. */
  reboot(bootId: string): Promise<void>;
  readonly programs: readonly Program[];
  /** Shifts the time of day that the collector sees. */
  setClock(offMs: number): Promise<void>;
  readonly bootId: () => string;
  readonly log: () => string;
  readonly restarts: () => number;
  /** CLOCK_MONOTONIC in microseconds at each start: sequences of a collector lie above its own. */
  readonly startedAtUs: () => readonly { readonly boot: string; readonly us: number }[];
}

export interface Program {
  readonly service: string;
  inhabitant(): Inhabitant;
  /** Starts it again, with the pid and the service's name given, or as it was. */
  restart(as?: { readonly pid?: number; readonly service?: string }): Promise<void>;
}

export async function startHost(environment: Readonly<Record<string, string>>, firstBoot: string): Promise<Host> {
  const world = await startWorld(firstBoot);
  const disk = join(world.folder, "disk");
  mountDisk(world, disk, DISK);
  const run = join(world.folder, "run");
  mkdirSync(run);
  const clockFile = join(world.folder, "clock");
  writeFileSync(clockFile, "0");
  const promises = watchPromises(() => world.seen(join(disk, "spool")));
  const looking = setInterval(promises.look, LOOK_MS);
  const starts: { boot: string; us: number }[] = [];
  let boot = firstBoot;
  let text = "";
  let current: Inhabitant | null = null;
  let restarts = -1;
  /** What the collector ends by when it is not to be started again. */
  let halting: NodeJS.Signals | null = null;
  let keeping: Promise<void> = Promise.resolve();
  const walkerProgram = walkerPath();

  async function keep(): Promise<void> {
    while (halting === null) {
      starts.push({ boot, us: Number(process.hrtime.bigint() / 1_000n) });
      const started = await world.start([process.execPath, "--import", clock, entry], {
        ...environment,
        ...PACE,
        OTEL_SERVICE_NAME: "tidemark-collector",
        TIDEMARK_IMDS: "off",
        TIDEMARK_WALKER: walkerProgram,
        TIDEMARK_RSS_BYTES_MIN: "0",
        TIDEMARK_SPOOL_FOLDER: join(disk, "spool"),
        TIDEMARK_SPOOL_BYTES_MAX: String(4 * 1_024 * 1_024),
        TIDEMARK_BLACK_BOX_FOLDER: join(disk, "black-box"),
        TIDEMARK_BLACK_BOX_BYTES_MAX: String(4 * 1_024 * 1_024),
        TIDEMARK_RING_FOLDER: join(run, "rings"),
        TIDEMARK_FAULT_CLOCK_SPEED: String(SPEED),
        TIDEMARK_FAULT_CLOCK_FILE: clockFile,
      });
      started.process.stderr?.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      restarts++;
      current = started;
      // It may have been on its way when the end was asked for.
      if (halting !== null) started.kill(halting);
      await started.ended;
      current = null;
      // What it promised last must be known before its heir changes the files.
      promises.look();
      if (halting === null) await sleep(RESTART_MS);
    }
  }

  async function halt(signal: NodeJS.Signals): Promise<void> {
    halting = signal;
    current?.kill(signal);
    await keeping;
  }

  function resume(): void {
    halting = null;
    keeping = keep();
  }

  async function startProgram(name: (typeof WORKLOADS)[number], index: number): Promise<Program> {
    const path = workloadPath(name);
    let service = `fault-${name}`;
    const begin = (pid?: number) => {
      // Peaks of 8 MiB, each another few seconds long: heaps that change while they are walked.
      const command = [path, "8", String(3 + index)];
      const env = { OTEL_SERVICE_NAME: service };
      return pid === undefined ? world.start(command, env) : world.startAs(pid, command, env);
    };
    let inhabitant = await begin();
    return {
      get service() {
        return service;
      },
      inhabitant: () => inhabitant,
      async restart(as = {}) {
        service = as.service ?? service;
        inhabitant = await begin(as.pid);
      },
    };
  }

  const programs = await Promise.all(WORKLOADS.map(startProgram));
  resume();

  const host: Host = {
    world,
    promises,
    disk,
    programs,
    collector: () => until("a collector that runs", () => (current?.hasEnded() === false ? current : null), host.log),
    async walker() {
      const { pid } = await host.collector();
      return world.childrenOf(pid)[0] ?? null;
    },
    async stop() {
      await host.collector();
      await halt("SIGTERM");
      promises.look();
    },
    async restart(between) {
      await halt("SIGKILL");
      between();
      resume();
    },
    async reboot(id) {
      for (const program of programs) program.inhabitant().kill("SIGKILL");
      await halt("SIGKILL");
      await Promise.all(programs.map((program) => program.inhabitant().ended));
      world.run("rm", "-rf", join(run, "rings"));
      world.bootId(id);
      boot = id;
      await Promise.all(programs.map((program) => program.restart()));
      resume();
    },
    async setClock(offMs) {
      writeFileSync(clockFile, String(offMs));
      (await host.collector()).kill("SIGUSR2");
    },
    bootId: () => boot,
    log: () => text,
    restarts: () => restarts,
    startedAtUs: () => starts,
    async [Symbol.asyncDispose]() {
      clearInterval(looking);
      await halt("SIGKILL");
      await world[Symbol.asyncDispose]();
    },
  };
  return host;
}
