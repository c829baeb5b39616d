// What every store of objects must do, whoever answers: the loopback S3 and moto are asked the same questions.
import { deepEqual, equal } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { ObjectStore } from "../../../functions/edges.ts";

/** Keys as ours are: with `=`, and with characters that URLs and XML would change. */
const KEY = "lake/process/dt=2026-11-23/hr=05/a b+c&ü.parquet";

export async function keepsObjects(store: ObjectStore): Promise<void> {
  equal(await store.get(KEY), null, "what was never written is null");
  const bytes = randomBytes(300_000);
  await store.put(KEY, bytes);
  deepEqual(Buffer.from((await store.get(KEY)) ?? []), bytes);
  await store.put(KEY, Buffer.from("second"));
  equal(Buffer.from((await store.get(KEY)) ?? []).toString(), "second", "the last writer wins");
  await store.put("empty", Buffer.alloc(0));
  equal((await store.get("empty"))?.length, 0, "an empty object is not a missing one");

  const copied = "lake/process/dt=2026-11-23/hr=06/copy.parquet";
  await store.copy(KEY, copied);
  deepEqual(await Array.fromAsync(store.list("lake/process/dt=2026-11-23/")), [KEY, copied]);
  deepEqual(await Array.fromAsync(store.list("lake/process/dt=2026-11-23/hr=06")), [copied]);
  deepEqual(await Array.fromAsync(store.list("nothing/")), []);

  await store.delete(KEY);
  await store.delete(KEY);
  equal(await store.get(KEY), null);
  equal(Buffer.from((await store.get(copied)) ?? []).toString(), "second");
}

/** More keys than a page of a listing holds. */
export async function listsAllPages(store: ObjectStore): Promise<void> {
  const names = Array.from({ length: 1_203 }, (_, index) => `many/${String(index).padStart(5, "0")}`);
  for (let at = 0; at < names.length; at += 50) {
    await Promise.all(names.slice(at, at + 50).map((name) => store.put(name, Buffer.from(name))));
  }
  deepEqual(await Array.fromAsync(store.list("many/")), names);
}
