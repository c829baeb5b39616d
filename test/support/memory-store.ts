// An object store in memory, which can be told to fail.
import type { ObjectStore } from "../../functions/edges.ts";

export type StoreOperation = "get" | "put" | "list" | "copy" | "delete";

export interface MemoryStore extends ObjectStore {
  readonly objects: Map<string, Uint8Array>;
}

export function memoryStore(isFailing: (operation: StoreOperation, key: string) => boolean = () => false): MemoryStore {
  const objects = new Map<string, Uint8Array>();
  const reach = (operation: StoreOperation, key: string) => {
    if (isFailing(operation, key)) throw new Error(`store is down for ${operation} ${key}`);
  };
  return {
    objects,
    async get(key) {
      reach("get", key);
      return objects.get(key) ?? null;
    },
    async open(key) {
      reach("get", key);
      const bytes = objects.get(key);
      return bytes === undefined ? null : inPieces(bytes);
    },
    async put(key, bytes) {
      reach("put", key);
      objects.set(key, Uint8Array.from(bytes));
    },
    async *list(prefix) {
      reach("list", prefix);
      yield* [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    },
    async copy(from, to) {
      reach("copy", from);
      const bytes = objects.get(from);
      if (bytes === undefined) throw new Error(`no object ${from}`);
      objects.set(to, bytes);
    },
    link: async (key) => `https://store.example/${encodeURIComponent(key)}`,
    async delete(key) {
      reach("delete", key);
      objects.delete(key);
    },
  };
}

/** In pieces of an odd size, as a network gives them. */
async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_521) yield bytes.subarray(at, at + 65_521);
}
