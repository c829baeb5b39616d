// docs/security.md says of each threat which test proves what is said: those tests are there, under these names.
// Whether they pass is theirs to show.
import { deepEqual, ok } from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..", "..");
const page = readFileSync(join(root, "docs", "security.md"), "utf8");

/** `  - proof: \`test/a.test.ts\`: "what it says"`, the form of every proof. */
const proofs = Array.from(page.matchAll(/^ +- proof: `(test\/[\w./-]+)`: "([^"\n]+)"$/gm), ([, file = "", name = ""]) => ({
  file,
  name,
}));

/** Names are written as code writes them: quotes in them, and parts that a loop fills in, end the comparison before them. */
const holds = (file: string, name: string): boolean => {
  const source = readFileSync(join(root, file), "utf8");
  return source.includes(`"${name}`) || source.includes(`\`${name}`);
};

test("every test that the threat model names is there", () => {
  ok(proofs.length >= 60, `only ${proofs.length} proofs`);
  deepEqual(
    proofs
      .filter(({ file, name }) => !existsSync(join(root, file)) || !holds(file, name))
      .map(({ file, name }) => `${file}: ${name}`),
    [],
  );
});

test("every threat has a proof, or says that there is none", () => {
  const threats = page.split(/^(?=- )/m).filter((part) => /^- \*\*/.test(part));
  ok(threats.length >= 30, `only ${threats.length} threats`);
  deepEqual(
    threats.filter((threat) => !/ +- (proof|no proof): /.test(threat)).map((threat) => threat.split("\n")[0]),
    [],
  );
});
