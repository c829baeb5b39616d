// Delivery to a folder.
import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { chmodSync, globSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { folderDelivery } from "../../../collector/ship/folder.ts";

const NOW_MS = Date.UTC(2026, 10, 23, 5, 30);
const newFolder = () => mkdtempSync(join(tmpdir(), "tidemark-"));

test("records of one delivery become one object under the hour of arrival, and nothing unfinished stays", async () => {
  const folder = newFolder();
  const delivery = folderDelivery({ folder, name: "i-0abc", nowMs: () => NOW_MS });
  equal(await delivery.deliver([Buffer.from("one"), Buffer.from("two")]), null, "nothing is left");
  const files = globSync("**/*", { cwd: folder, withFileTypes: true }).filter((entry) => entry.isFile());
  equal(files.length, 1);
  const path = join(files[0]?.parentPath ?? "", files[0]?.name ?? "");
  match(path, /\/raw\/dt=2026-11-23\/hr=05\/i-0abc-2026-11-23T05-30-00\.000Z-0\.ndjson\.gz$/);
  equal(readFileSync(path, "utf8"), "onetwo");
});

test("two deliveries in the same millisecond are two objects", async () => {
  const folder = newFolder();
  const delivery = folderDelivery({ folder, name: "i-0abc", nowMs: () => NOW_MS });
  await delivery.deliver([Buffer.from("one")]);
  await delivery.deliver([Buffer.from("two")]);
  const contents = globSync("raw/*/*/*.gz", { cwd: folder }).map((path) => readFileSync(join(folder, path), "utf8"));
  deepEqual(contents.sort(), ["one", "two"]);
});

test("a folder that cannot be written rejects, so that the rows are kept", async () => {
  const folder = newFolder();
  writeFileSync(join(folder, "raw"), "a file where a folder should be");
  chmodSync(join(folder, "raw"), 0o400);
  await rejects(
    folderDelivery({ folder, name: "i-0abc", nowMs: () => NOW_MS }).deliver([Buffer.from("one")]),
    /cannot make the folder .*\/raw/,
  );
});
