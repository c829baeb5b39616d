// Finds a Java on this machine that is new enough, by asking each one that it can find for its version.
// What to do when there is none is left to the caller.
import { spawnSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { delimiter, join } from "node:path";

export interface Java {
  readonly path: string;
  readonly major: number;
}

/** The first Java of at least this major version: JAVA_HOME's, then those on PATH, then Debian's folder of JVMs. */
export function findJava(majorMin: number, places: readonly string[] = javaPlaces()): Java | null {
  for (const path of new Set(places)) {
    if (!existsSync(path)) continue;
    // A Java of the wrong architecture or a wrapper that hangs must not hold up the tests.
    const { stdout, stderr } = spawnSync(path, ["-version"], { encoding: "utf8", timeout: 10_000 });
    const major = majorOf(`${stderr ?? ""}${stdout ?? ""}`);
    if (major !== null && major >= majorMin) return { path, major };
  }
  return null;
}

function javaPlaces(): readonly string[] {
  const home = process.env["JAVA_HOME"];
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return [
    ...(home === undefined ? [] : [join(home, "bin", "java")]),
    ...folders.map((folder) => join(folder, "java")),
    ...globSync("/usr/lib/jvm/*/bin/java").sort().reverse(),
  ];
}

/** Major version out of what `java -version` prints: `openjdk version "25.0.3"`; up to Java 8 it is `"1.8.0_292"`. */
export function majorOf(text: string): number | null {
  const match = / version "(?:1\.)?(\d+)/.exec(text);
  return match === null ? null : Number(match[1]);
}
