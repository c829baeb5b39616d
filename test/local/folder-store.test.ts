// A folder that behaves like a bucket.
import { deepEqual, equal, rejects } from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { folderStore } from "../../local/folder-store.ts";

const newFolder = () => mkdtempSync(join(tmpdir(), "tidemark-"));

test("what is put is got, the last writer wins, and what is not there is null", async () => {
  const store = folderStore(newFolder());
  await store.put("lake/process/dt=1/a.parquet", Buffer.from("one"));
  await store.put("lake/process/dt=1/a.parquet", Buffer.from("two"));
  equal(Buffer.from((await store.get("lake/process/dt=1/a.parquet")) ?? []).toString(), "two");
  equal(await store.get("lake/none"), null);
});

test("a list is in order of keys, below the prefix alone, without unfinished files", async () => {
  const folder = newFolder();
  const store = folderStore(folder);
  for (const key of ["raw/b/2", "raw/a/1", "other/3"]) await store.put(key, Buffer.from("x"));
  mkdirSync(join(folder, "raw/c"), { recursive: true });
  writeFileSync(join(folder, "raw/c/.half.tmp"), "x");
  deepEqual(await Array.fromAsync(store.list("raw/")), ["raw/a/1", "raw/b/2"]);
  deepEqual(await Array.fromAsync(store.list("none/")), []);
});

test("a key that would leave the folder is refused", async () => {
  const store = folderStore(newFolder());
  for (const key of ["../x", "/etc/passwd", "a/../../x", "", "a//b"]) {
    await rejects(store.put(key, Buffer.from("x")), /does not name an object below/, key);
    await rejects(store.get(key), /does not name an object below/, key);
  }
});

test("a link is the file's address, whatever is in its name", async () => {
  const folder = newFolder();
  const store = folderStore(folder);
  await store.put("reports/a b#c.html", Buffer.from("page"));
  equal(readFileSync(new URL((await store.link("reports/a b#c.html")) ?? ""), "utf8"), "page");
});
