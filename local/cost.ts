// tidemark cost: the monthly bill of a fleet, and what the same figures would cost elsewhere.
// The model and the prices are functions/core/cost's; the weights are measured here and now.
import { alternatives, type BillLine, monthlyBill, total } from "../functions/core/cost/bill.ts";
import { PRICES_AS_OF } from "../functions/core/cost/prices.ts";
import { formatBytes, formatCount } from "../functions/core/units.ts";
import { measureFleet } from "./cost-measure.ts";
import { printTable } from "./table.ts";

export async function cost({
  hosts,
  processes,
  json,
}: {
  readonly hosts: number;
  readonly processes: number;
  readonly json: boolean;
}): Promise<void> {
  const fleet = { hosts, processesPerHost: processes };
  const measured = await measureFleet(processes);
  const bill = monthlyBill(fleet, measured);
  const others = alternatives(fleet);
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ fleet, measured, bill, dollars_per_host_month: total(bill) / hosts, alternatives: others })}\n`,
    );
    return;
  }
  const cells = ({ service, what, dollarsPerMonth }: BillLine) => [
    service,
    what,
    dollars(dollarsPerMonth),
    dollars(dollarsPerMonth / hosts),
  ];
  const headers = ["service", "for", "$ a month", "$ a host-month"];
  process.stdout.write(
    `${formatCount(hosts)} hosts with ${formatCount(processes)} processes each, a row a process a minute. Measured now: record ` +
      `${formatBytes(measured.recordBytes)}, Parquet ${measured.processRowBytes.toFixed(1)} B a row and ${measured.hourRowBytes.toFixed(1)} B ` +
      `an hour, ${formatCount(measured.rowsPerCpuSecond)} rows converted a CPU second. List prices, us-east-1, ${PRICES_AS_OF}.\n`,
  );
  printTable(headers, [...bill.map(cells), ["Tidemark", "in all", dollars(total(bill)), dollars(total(bill) / hosts)]]);
  process.stdout.write("\nThe same data elsewhere:\n");
  printTable(headers, others.map(cells));
}

const dollars = (amount: number): string => {
  if (amount >= 100) return amount.toLocaleString("en-US", { maximumFractionDigits: 0 });
  return amount >= 1 ? amount.toFixed(2) : amount.toFixed(5);
};
