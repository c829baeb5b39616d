// Names of C++ and Rust as people write them, for the common case: a path of plain names (_ZN3foo3barEv is foo::bar).
// Everything else (templates, operators) is left as it is: pprof takes all of them apart. Source: Itanium C++ ABI, 5.1.

const PARTS_MAX = 64;

export function plainName(symbol: string): string {
  if (!symbol.startsWith("_Z")) return symbol;
  const isNested = symbol.startsWith("_ZN");
  let rest = symbol.slice(isNested ? 3 : 2).replace(/^[rVKRO]+(?=\d)/, "");
  const parts: string[] = [];
  while (parts.length < PARTS_MAX) {
    const length = Number(/^\d{1,4}/.exec(rest)?.[0] ?? Number.NaN);
    if (Number.isNaN(length)) break;
    const start = String(length).length;
    const part = rest.slice(start, start + length);
    if (part.length !== length || !/^[\w$.]+$/.test(part)) return symbol;
    rest = rest.slice(start + length);
    parts.push(part);
    if (!isNested) break;
  }
  // C1 and C2 are constructors, D0 to D2 destructors, I opens template arguments.
  const special = isNested ? /^(C[123]|D[0125])E/.exec(rest)?.[1] : undefined;
  if (special !== undefined) parts.push(special.startsWith("C") ? (parts.at(-1) ?? "") : `~${parts.at(-1) ?? ""}`);
  const isWhole = special !== undefined || !isNested || rest.startsWith("E");
  if (parts.length === 0 || !isWhole || (!isNested && rest.startsWith("I"))) return symbol;
  // Rust puts a hash behind every name (rustc_symbol_mangling::legacy), and writes some signs as $..$.
  const named = /^h[0-9a-f]{16}$/.test(parts.at(-1) ?? "") ? parts.slice(0, -1) : parts;
  return named
    .map((part) => part.replace(/^_(?=\$)/, "").replace(/\$(LT|GT|u20|RF|C)\$/g, (_, sign) => signs[sign] ?? ""))
    .join("::");
}

const signs: Readonly<Record<string, string>> = { LT: "<", GT: ">", u20: " ", RF: "&", C: "," };
