// JVMs of this machine, run with a program that allocates what it is told to (loads/Churn.java).
// What is read from them is the test's business.
import { execFileSync, spawnSync } from "node:child_process";
import { globSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { removeFolder, serviceFolder, startService, talk } from "./service.ts";

export const COLLECTORS = ["Serial", "Parallel", "G1", "Z", "Shenandoah"] as const;
export type Collector = (typeof COLLECTORS)[number];

/** Folders of all JDKs where Debian keeps them; an alias is the same JDK. */
export const jdks = (): readonly string[] =>
  [...new Set(globSync("/usr/lib/jvm/*/bin/javac").map((compiler) => dirname(dirname(realpathSync(compiler)))))].sort();

export const hasCollector = (jdk: string, collector: Collector): boolean =>
  spawnSync(`${jdk}/bin/java`, [`-XX:+Use${collector}GC`, "-version"], { stdio: "ignore" }).status === 0;

export interface Churn {
  readonly pid: number;
  /** Sends lines such as `keep 40`, each when the one before is done. */
  readonly tell: (...lines: readonly string[]) => Promise<void>;
  /** One row of jstat with an option such as `-gc`, by column; what the collector does not have is 0. */
  readonly jstat: (option: string) => Readonly<Record<string, number>>;
  readonly stop: () => Promise<void>;
}

/** Its folder is where it starts. `wrapper` goes before the command line; with one that forks, the JVM is its child. */
export async function startChurn(jdk: string, flags: readonly string[], wrapper: readonly string[] = []): Promise<Churn> {
  const folder = serviceFolder("churn", "us");
  writeFileSync(`${folder}/Churn.class`, compiled());
  const [command = "", ...args] = [...wrapper, `${jdk}/bin/java`, "-Xmx200m", ...flags, "-cp", ".", "Churn"];
  const service = startService(command, { folder, args, env: {}, isTalking: true });
  const ask = talk(service);
  await ask(null);
  const pid = wrapper.length === 0 ? service.pid : childOf(service.pid);
  return {
    pid,
    tell: async (...lines) => {
      for (const line of lines) await ask(line);
    },
    jstat: (option) => rowOf(execFileSync(`${jdk}/bin/jstat`, [option, String(pid)], { encoding: "utf8" })),
    stop: async () => {
      await service.stop();
      removeFolder(folder);
    },
  };
}

let compiledBytes: Buffer | null = null;
/** Once for all: what the first JDK compiles, the others run. */
function compiled(): Buffer {
  if (compiledBytes !== null) return compiledBytes;
  const folder = serviceFolder("churn-class", "us");
  const program = fileURLToPath(new URL("loads/Churn.java", import.meta.url));
  execFileSync(`${jdks()[0]}/bin/javac`, ["--release", "17", "-d", folder, program], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  compiledBytes = readFileSync(`${folder}/Churn.class`);
  removeFolder(folder);
  return compiledBytes;
}

const childOf = (pid: number): number => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim());

function rowOf(text: string): Readonly<Record<string, number>> {
  const [names = [], figures = []] = text.split("\n").map((line) => line.trim().split(/\s+/));
  return Object.fromEntries(names.map((name, column) => [name, figures[column] === "-" ? 0 : Number(figures[column])]));
}
