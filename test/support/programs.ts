// Real programs for tests and benchmarks: started on 127.0.0.1 or a socket in a folder of their own, asked until they answer,
// loaded with bounded work, ended by pid. It leaves servers to servers.ts and processes to service.ts.
import { execFileSync } from "node:child_process";
import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { postgresPath, startMariadb, startMemcached, startNginx, startPostgres, startRedis } from "./servers.ts";
import {
  endServicesIn,
  type Given,
  preloadOf,
  removeFolder,
  type Started,
  serviceFolder,
  startService,
  talk,
} from "./service.ts";

export interface Program {
  readonly name: ProgramName;
  /** The process whose heap is the program's: nginx's worker, the backend of our PostgreSQL session, else the program. */
  readonly pid: number;
  /** The process that was started, for example PostgreSQL's postmaster. */
  readonly mainPid: number;
  /** Where clients reach it: a socket's path, for postgres the folder of its socket, for nginx a URL, else null. */
  readonly address: string | null;
  readonly folder: string;
  /** Allocates 30 to 70 MB in small pieces (memcached and mariadbd less), gives most of it back, and answers when that is done. */
  readonly load: () => Promise<void>;
  readonly log: () => string;
  /** Ends it and what it started, and removes its folder. */
  readonly stop: () => Promise<void>;
}

export interface ProgramOptions {
  /** Of the program and of all that it starts, on top of our own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Libraries for LD_PRELOAD, behind the program's own: paths, or names that ld.so finds. */
  readonly preload?: readonly string[];
}

interface Plan {
  /** Without one of these the program cannot be had: names on PATH or absolute paths. */
  readonly commands: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly preload?: readonly string[];
  readonly start: (given: Given) => Promise<Started>;
}

const plans = {
  "redis-jemalloc": { commands: ["redis-server", "redis-cli"], start: startRedis },
  // Debian links it with libjemalloc under the plain names of malloc, so whoever comes before that serves it.
  "redis-glibc": { commands: ["redis-server", "redis-cli"], preload: ["libc.so.6"], start: startRedis },
  nginx: { commands: ["nginx"], start: startNginx },
  postgres: { commands: ["psql", postgresPath("postgres"), postgresPath("initdb")], start: startPostgres },
  memcached: { commands: ["memcached"], start: startMemcached },
  mariadbd: { commands: ["mariadbd", "mariadb", "mariadb-install-db"], start: startMariadb },
  ruby: interpreter("ruby", ["heap.rb"]),
  python: interpreter("/usr/bin/python3", ["heap.py"]),
  perl: interpreter("perl", ["heap.pl"]),
  // With its own allocator in front, PHP asks malloc for next to nothing; this switch of its own makes malloc serve it all.
  php: { ...interpreter("php", ["heap.php"]), env: { USE_ZEND_ALLOC: "0" } },
  "php-zend": interpreter("php", ["heap.php"]),
  node: interpreter(process.execPath, ["--expose-gc", "heap.mjs"]),
  java: { commands: [javaPath("java"), javaPath("javac")], start: startJava },
} satisfies Readonly<Record<string, Plan>>;

export type ProgramName = keyof typeof plans;

/** For `missing` of need.ts. */
export const commandsOf = (name: ProgramName): readonly string[] => plans[name].commands;

/** Starts a program and waits until it answers. Whoever starts it also stops it; at the latest it ends with this process. */
export async function startProgram(name: ProgramName, options: ProgramOptions = {}): Promise<Program> {
  const plan: Plan = plans[name];
  const folder = serviceFolder(name);
  const libraries = preloadOf([...(plan.preload ?? []), ...(options.preload ?? [])], folder);
  const preload = libraries === "" ? {} : { LD_PRELOAD: libraries };
  const given = { folder, env: { ...plan.env, ...options.env, ...preload } };
  const { services, pid, address, load } = await plan.start(given).catch((error: unknown) => {
    endServicesIn(folder);
    throw error;
  });
  return {
    name,
    pid: pid ?? services[0].pid,
    mainPid: services[0].pid,
    address: address ?? null,
    folder,
    load,
    log: () => services.map((service) => service.log()).join("\n"),
    stop: async () => {
      for (const service of services.toReversed()) await service.stop();
      removeFolder(folder);
    },
  };
}

function interpreter(command: string, args: readonly string[]): Plan {
  const script = (arg: string) => (arg.startsWith("-") ? arg : loadPath(arg));
  return { commands: [command], start: (given) => startTalking(command, args.map(script), given) };
}

function loadPath(name: string): string {
  return fileURLToPath(new URL(`loads/${name}`, import.meta.url));
}

/** The scripts of loads/ say "ready", then "done" for each line they are sent. */
async function startTalking(command: string, args: readonly string[], { folder, env }: Given): Promise<Started> {
  const service = startService(command, { folder, args, env, isTalking: true });
  const ask = talk(service);
  const expect = async (text: string | null, word: string): Promise<void> => {
    const answer = await ask(text);
    if (answer !== word) throw new Error(`${command} said "${answer}", not "${word}"\n${service.log()}`);
  };
  await expect(null, "ready");
  return { services: [service], load: () => expect("load", "done") };
}

async function startJava(given: Given): Promise<Started> {
  execFileSync(javaPath("javac"), ["-d", given.folder, loadPath("Heap.java")], { stdio: ["ignore", "ignore", "pipe"] });
  return startTalking(javaPath("java"), ["-Xmx256m", "-cp", given.folder, "Heap"], given);
}

/** The newest JDK that Debian's folder has: what is on PATH may lack the compiler. */
function javaPath(command: string): string {
  const compiler = globSync("/usr/lib/jvm/*/bin/javac").sort().at(-1) ?? "/usr/lib/jvm/javac";
  return compiler.replace(/javac$/, command);
}
