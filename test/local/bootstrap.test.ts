// Setting up a clone: done when needed, skipped when not, and one clear line when the machine lacks something.
import { deepEqual, equal, match } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const bootstrap = fileURLToPath(new URL("../../local/bootstrap.mjs", import.meta.url));

/** A clone with nothing but the bootstrap in it, and a PATH that holds just these commands. */
function clone(commands: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), "tidemark-clone-"));
  for (const folder of ["local", "native", "bin"]) mkdirSync(join(root, folder));
  copyFileSync(bootstrap, join(root, "local/bootstrap.mjs"));
  writeFileSync(join(root, "package-lock.json"), "{}");
  const log = join(root, "log");
  writeFileSync(log, "");
  for (const [name, script] of Object.entries(commands)) {
    writeFileSync(join(root, "bin", name), `#!/bin/sh\necho "${name} $*" >>${log}\n${script}\n`);
    chmodSync(join(root, "bin", name), 0o755);
  }
  return {
    root,
    run: (...args: string[]) =>
      spawnSync(process.execPath, [join(root, "local/bootstrap.mjs"), ...args], {
        cwd: root,
        env: { PATH: join(root, "bin") },
        encoding: "utf8",
      }),
    calls: () =>
      readFileSync(log, "utf8")
        .trim()
        .split("\n")
        .map((line) => line.split(" ")[0]),
  };
}

/** What npm ci would leave behind: the project's own Node. */
const installNode = `/bin/mkdir -p node_modules/.bin && /bin/ln -sf ${process.execPath} node_modules/.bin/node`;

test("a fresh clone is installed and built, then the arguments run under the project's Node", () => {
  const fresh = clone({ npm: installNode, make: "" });
  const { status, stdout, stderr } = fresh.run("-p", "6*7");
  equal(status, 0, stderr);
  equal(stdout, "42\n");
  match(stderr, /installing exact packages \(npm ci\), once/);
  deepEqual(fresh.calls(), ["npm", "make"]);
});

test("a ready clone installs nothing, and a changed lock file installs again", () => {
  const ready = clone({ npm: installNode, make: "" });
  ready.run("-p", "1");
  equal(ready.run("-p", "1").status, 0);
  deepEqual(ready.calls(), ["npm", "make", "make"]);
  writeFileSync(join(ready.root, "package-lock.json"), '{"changed":true}');
  ready.run("-p", "1");
  deepEqual(ready.calls(), ["npm", "make", "make", "npm", "make"]);
});

test("the exit code is the program's", () => {
  equal(clone({ npm: installNode, make: "" }).run("-e", "process.exit(7)").status, 7);
});

test("what the machine lacks is one line that says what to install", () => {
  const cases = [
    [{ make: "" }, /^tidemark needs npm: install Node\.js with npm/m],
    [{ npm: installNode }, /^tidemark needs make and a C compiler: Debian: apt-get install build-essential/m],
    [{ npm: installNode, make: "exit 2" }, /^tidemark needs a C compiler \(cc\): Debian/m],
    [{ npm: installNode, make: "exit 2", cc: "" }, /^tidemark make in native\/ failed, see above/m],
    [{ npm: "exit 1", make: "" }, /^tidemark npm ci failed, see above/m],
    [{ npm: "", make: "" }, /^tidemark has no Node for linux-.*: optional packages may be switched off/m],
  ] as const;
  for (const [commands, line] of cases) {
    const { status, stderr } = clone(commands).run("-p", "1");
    equal(status, 1);
    match(stderr, line);
  }
});

test("it is plain JavaScript that an old Node can parse: no import of packages, no types", () => {
  const source = readFileSync(bootstrap, "utf8");
  for (const [, from] of source.matchAll(/from "([^"]+)"/g)) match(from ?? "", /^node:/);
  const root = mkdtempSync(join(tmpdir(), "tidemark-"));
  symlinkSync(bootstrap, join(root, "bootstrap.mjs"));
  equal(spawnSync(process.execPath, ["--no-experimental-strip-types", "--check", join(root, "bootstrap.mjs")]).status, 0);
});
