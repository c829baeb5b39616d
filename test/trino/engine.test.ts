// The queries, the tables and the Parquet files on a real Trino server, the engine behind Athena.
// What is asserted is in the files beside this one; here the server is started once and stopped whatever happens.
import { after, afterEach, before, describe } from "node:test";
import { catalogueTests } from "./catalogue.ts";
import { type TrinoClient, trinoClient } from "./client.ts";
import { trinoDistribution } from "./distribution.ts";
import { expressionTests } from "./expressions.ts";
import { gateTests } from "./gate.ts";
import { type TestLake, testLakes } from "./lakes.ts";
import { pruningTests } from "./pruning.ts";
import { roundTripTests } from "./round-trip.ts";
import { sameRowsTests } from "./same-rows.ts";
import { type Server, startTrino } from "./server.ts";
import { openLakeOnTrino } from "./tables.ts";

const distribution = trinoDistribution();
const mayBeMissing = process.env["CI"] === undefined;
const skip = distribution.kind === "missing" && mayBeMissing ? distribution.reason : false;
if (skip !== false) process.stderr.write(`tidemark: NOT PROVEN ON THE REAL ENGINE: ${skip}\n`);

describe("on Trino", { skip, timeout: 240_000 }, () => {
  let server: Server | undefined;
  let client: TrinoClient;
  let lakes: readonly TestLake[] = [];
  let hasFailed = false;

  before(async () => {
    if (distribution.kind === "missing") throw new Error(`CI is set, but ${distribution.reason}`);
    const [started, made] = await Promise.allSettled([startTrino(distribution), testLakes()]);
    if (started.status === "rejected") throw started.reason;
    server = started.value;
    if (made.status === "rejected") throw made.reason;
    lakes = made.value;
    client = trinoClient(server.url);
    for (const { name, folder } of lakes) await openLakeOnTrino(client, name, folder);
  });
  afterEach((context) => {
    // Present since Node 21.7, but not in the types of node:test yet.
    hasFailed ||= (context as { readonly passed?: boolean }).passed === false;
  });
  after(async () => {
    if (hasFailed) process.stderr.write(`${server?.logTail() ?? ""}\n`);
    await server?.stop();
  });

  const theClient = () => client;
  const theLakes = () => lakes;
  sameRowsTests(theClient, theLakes);
  pruningTests(theClient, theLakes);
  expressionTests(theClient);
  roundTripTests(theClient, theLakes);
  gateTests(theClient);
  catalogueTests(theClient);
});
