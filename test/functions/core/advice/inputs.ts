// Inputs of advise() for tests: a process of glibc 2.36 about which nothing else is known.
import type { AdviceInput, Figures } from "../../../../functions/core/advice/situation.ts";

export const MIB = 1_048_576;

export const input = (cause: string, figures: Figures = {}, rest: Partial<AdviceInput> = {}): AdviceInput => ({
  service: "billing",
  cause,
  allocator: "glibc",
  allocator_version: "2.36",
  heap_source: "walk",
  runtime: null,
  runtime_version: null,
  comm: null,
  libc: null,
  tunables: null,
  figures,
  fleet: null,
  instance_type: null,
  shimPath: "/shim.so",
  ...rest,
});
