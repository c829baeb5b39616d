// Which Java is taken, on machines that have several, none, or something that only looks like one.
import { equal } from "node:assert/strict";
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { findJava, majorOf } from "./java.ts";

/** A program that prints this to standard error, as `java -version` does. */
function fakeJava(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "tidemark-java-")), "java");
  writeFileSync(path, `#!/bin/sh\nprintf '%s' '${text}' >&2\n`);
  chmodSync(path, 0o755);
  return path;
}

test("the major version is read from what each vendor and age of Java prints", () => {
  const cases: readonly (readonly [string, number | null])[] = [
    ['openjdk version "25.0.3" 2026-04-21 LTS\nOpenJDK Runtime Environment Temurin', 25],
    ['openjdk version "24" 2025-03-18', 24],
    ['openjdk version "26-ea" 2026-03-17', 26],
    ['java version "1.8.0_292"', 8],
    ["The operation could not be completed. Unable to locate a Java Runtime.", null],
    ["", null],
  ];
  for (const [text, major] of cases) equal(majorOf(text), major, text);
});

test("the first Java that is new enough is taken; older ones, broken ones and missing ones are passed over", () => {
  const places = ["/nowhere/java", fakeJava("no version here"), fakeJava('openjdk version "17.0.9"')];
  const found = findJava(24, [...places, fakeJava('openjdk version "25.0.3"'), fakeJava('openjdk version "26"')]);
  equal(found?.major, 25);
  equal(findJava(24, places), null);
});
