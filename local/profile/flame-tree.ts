// Stacks as a tree of calls, from the program's start to what allocates: functions of one name become one.
// Drawing it is flame-page.ts's.

export interface FlameNode {
  readonly name: string;
  /** The file that its code is from; null where that is not known. */
  readonly file: string | null;
  /** Of itself and all it calls. */
  readonly bytes: number;
  readonly blocks: number;
  /** Largest first. */
  readonly children: readonly FlameNode[];
}

export interface NamedStack {
  /** Innermost first. */
  readonly places: readonly { readonly name: string; readonly file: string | null }[];
  readonly bytes: number;
  readonly blocks: number;
}

/** A page of 3,000 boxes is some 700 KB, and no screen shows more. */
const NODES_MAX = 3_000;
/** Narrower than a pixel. */
const SHARE_MIN = 1 / 2_000;
/** Recursion may go on for long; wrapper and jemalloc stop at 63 and 128 frames. */
const DEPTH_MAX = 128;

interface Growing {
  readonly name: string;
  readonly file: string | null;
  bytes: number;
  blocks: number;
  readonly children: Map<string, Growing>;
}

/** What is left out for its size still counts in the boxes below it. */
export function flameTree(stacks: readonly NamedStack[]): FlameNode {
  const root = growing("all", null);
  for (const { places, bytes, blocks } of stacks) {
    let node = root;
    add(node, bytes, blocks);
    for (const { name, file } of [...places].reverse().slice(0, DEPTH_MAX)) {
      const key = `${file ?? ""}\0${name}`;
      const child = node.children.get(key) ?? growing(name, file);
      node.children.set(key, child);
      add(child, bytes, blocks);
      node = child;
    }
  }
  return cut(root, Math.max(root.bytes * SHARE_MIN, nthLargest(root, NODES_MAX)));
}

const growing = (name: string, file: string | null): Growing => ({ name, file, bytes: 0, blocks: 0, children: new Map() });

function add(node: Growing, bytes: number, blocks: number): void {
  node.bytes += bytes;
  node.blocks += blocks;
}

/** A child is never larger than its parent, so whoever keeps the largest keeps a tree. */
function nthLargest(root: Growing, count: number): number {
  const sizes: number[] = [];
  const collect = (node: Growing): void => {
    sizes.push(node.bytes);
    for (const child of node.children.values()) collect(child);
  };
  collect(root);
  return sizes.sort((one, other) => other - one)[count] ?? 0;
}

const cut = ({ children, ...node }: Growing, bytesMin: number): FlameNode => ({
  ...node,
  children: [...children.values()]
    .filter(({ bytes }) => bytes > bytesMin)
    .sort((one, other) => other.bytes - one.bytes)
    .map((child) => cut(child, bytesMin)),
});
