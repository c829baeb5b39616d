// What a GiB of memory costs a month on EC2 and Fargate, by family: one dated table and the two ways to read it.
// How many bytes a recommendation may free is advice/effects.ts's; AWS's other prices are in prices.ts.

/** List prices, us-east-1, Linux, on demand, US dollars an hour, all from memory and not looked up again: check before a decision. */
export const MEMORY_PRICES_AS_OF = "2026-11";

export interface FamilyPrice {
  readonly family: string;
  /** Of the size `large`: 2 vCPUs. */
  readonly gib: number;
  readonly perHour: number;
}

/** Compute, general and memory families of one generation have the same processor and differ in memory alone. */
const generations: readonly (readonly [c: FamilyPrice, m: FamilyPrice, r: FamilyPrice])[] = [
  generation("5", 0.085, 0.096, 0.126),
  generation("6g", 0.068, 0.077, 0.1008),
  generation("6i", 0.085, 0.096, 0.126),
  generation("7g", 0.0725, 0.0816, 0.1071),
  generation("7i", 0.08925, 0.1008, 0.1323),
  generation("7a", 0.10264, 0.11592, 0.15215),
  generation("8g", 0.07976, 0.08976, 0.11782),
];

/** Where nothing is known of the instance: the commonest generation on Graviton, general purpose. */
const DEFAULT_FAMILY = "m7g";
/** Fargate bills memory by itself: dollars a GB-hour, Linux on x86; from memory. */
const FARGATE_PER_GB_HOUR = 0.004445;
/** As AWS bills a month. */
const HOURS_A_MONTH = 730;
const GIB = 2 ** 30;

export interface MemoryPrice {
  /** Family that was priced, "fargate", or a family assumed. */
  readonly family: string;
  readonly isAssumed: boolean;
  /** What memory alone costs: the next family down, with less memory a vCPU, is cheaper by this much a GiB. */
  readonly leastPerGibMonth: number;
  /** What a GiB costs when memory is what decides how many instances are needed: the price of the whole instance by its GiB. */
  readonly mostPerGibMonth: number;
}

/** Of an instance type such as `m7g.2xlarge`, or `fargate`; a general-purpose family is assumed for one that is not in the table. */
export function memoryPrice(instanceType: string | null): MemoryPrice {
  if (instanceType === "fargate") {
    const perGib = (FARGATE_PER_GB_HOUR * HOURS_A_MONTH * GIB) / 1e9;
    return { family: "fargate", isAssumed: false, leastPerGibMonth: perGib, mostPerGibMonth: perGib };
  }
  const [wanted = ""] = (instanceType ?? "").split(".");
  // Variants with local disks or more network (m7gd, c6in) have the same memory; the table prices the plain family.
  const known = [wanted, wanted.replace(/(?<=\d[agi])[dn]+$/, ""), wanted.replace(/(?<=\d)[dn]+$/, "")].find((name) =>
    families.has(name),
  );
  const found = families.get(known ?? DEFAULT_FAMILY);
  if (found === undefined) throw new Error(`${DEFAULT_FAMILY} is not in the table of prices`);
  return { ...found, isAssumed: known === undefined };
}

/** Dollars a month that so many bytes stand for, at either reading of the price. */
export function dollarsPerMonth(bytes: number, price: MemoryPrice): { readonly least: number; readonly most: number } {
  return { least: (bytes / GIB) * price.leastPerGibMonth, most: (bytes / GIB) * price.mostPerGibMonth };
}

function generation(name: string, c: number, m: number, r: number): readonly [FamilyPrice, FamilyPrice, FamilyPrice] {
  return [
    { family: `c${name}`, gib: 4, perHour: c },
    { family: `m${name}`, gib: 8, perHour: m },
    { family: `r${name}`, gib: 16, perHour: r },
  ];
}

const families: ReadonlyMap<string, Omit<MemoryPrice, "isAssumed">> = new Map(
  generations.flatMap((three) => {
    const [c, , r] = three;
    const leastPerGibMonth = ((r.perHour - c.perHour) / (r.gib - c.gib)) * HOURS_A_MONTH;
    return three.map(({ family, gib, perHour }) => [
      family,
      { family, leastPerGibMonth, mostPerGibMonth: (perHour / gib) * HOURS_A_MONTH },
    ]);
  }),
);
