// The `tidemark` command of a host where only the collector is installed: the verbs that look at the host itself.
// In a clone cli.ts has more of them.
import { addHostVerbs } from "./host-verbs.ts";
import { newProgram, runProgram } from "./program.ts";

const program = newProgram();
addHostVerbs(program);
await runProgram(program);
