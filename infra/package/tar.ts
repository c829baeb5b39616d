// Writes tar archives whose bytes follow from their entries alone: sorted, one owner, one time.
// Compressing them is their users'. Format: POSIX.1-1988 ustar, as in man 5 tar (libarchive).

export interface Entry {
  /** Without a leading slash; a folder ends in one. Folders above an entry are added where they are missing. */
  readonly path: string;
  readonly mode: number;
  readonly bytes: Uint8Array;
}

const BLOCK_BYTES = 512;
/** Halves of a path: the prefix, and the name behind the slash that joins them. */
const [PREFIX_BYTES_MAX, NAME_BYTES_MAX] = [155, 100];

/** The archive, uncompressed; `root` is put before every path (`./`, `name-1.0/`). */
export function tar(entries: readonly Entry[], { root, mtimeS }: { readonly root: string; readonly mtimeS: number }): Buffer {
  const blocks: Uint8Array[] = [];
  for (const { path, mode, bytes } of withFolders(entries)) {
    blocks.push(header(root + path, { mode, bytes: bytes.length, mtimeS }), bytes);
    blocks.push(Buffer.alloc((BLOCK_BYTES - (bytes.length % BLOCK_BYTES)) % BLOCK_BYTES));
  }
  blocks.push(Buffer.alloc(2 * BLOCK_BYTES));
  return Buffer.concat(blocks);
}

function withFolders(entries: readonly Entry[]): readonly Entry[] {
  const all = new Map(entries.map((entry) => [entry.path, entry]));
  all.set("", { path: "", mode: 0o755, bytes: Buffer.alloc(0) });
  for (const { path } of entries) {
    for (let slash = path.indexOf("/"); slash !== -1 && slash < path.length - 1; slash = path.indexOf("/", slash + 1)) {
      const folder = path.slice(0, slash + 1);
      if (!all.has(folder)) all.set(folder, { path: folder, mode: 0o755, bytes: Buffer.alloc(0) });
    }
  }
  return [...all.values()].sort((one, other) => (one.path < other.path ? -1 : 1));
}

interface Meta {
  readonly mode: number;
  readonly bytes: number;
  readonly mtimeS: number;
}

function header(path: string, { mode, bytes, mtimeS }: Meta): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const [prefix, name] = split(path);
  const octal = (value: number, at: number, length: number) =>
    block.write(value.toString(8).padStart(length - 1, "0"), at, "latin1");
  block.write(name, 0, "latin1");
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(bytes, 124, 12);
  octal(mtimeS, 136, 12);
  block.write(" ".repeat(8), 148, "latin1");
  block.write(path.endsWith("/") ? "5" : "0", 156, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  block.write("root", 265, "latin1");
  block.write("root", 297, "latin1");
  block.write(prefix, 345, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

function split(path: string): readonly [prefix: string, name: string] {
  if (path.length <= NAME_BYTES_MAX) return ["", path];
  const slash = path.indexOf("/", path.length - NAME_BYTES_MAX - 1);
  if (slash <= 0 || slash > PREFIX_BYTES_MAX) throw new Error(`${path} is too long for a tar archive`);
  return [path.slice(0, slash), path.slice(slash + 1)];
}
