#!/usr/bin/env node
// The `tidemark` command: makes the clone ready, then hands its arguments to cli.ts under the project's own Node.
// What the verbs do is in cli.ts.
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { makeReady, runNode } from "./bootstrap.mjs";

makeReady();
runNode([fileURLToPath(new URL("./cli.ts", import.meta.url)), ...argv.slice(2)]);
