// How each server among the programs is started without being root, and the work that leaves its heap full of holes.
// It leaves interpreters, and the list of programs, to programs.ts.
import { spawnSync } from "node:child_process";
import { globSync, writeFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { answers, freePort, type Given, runOnce, type Started, startService, talk, until } from "./service.ts";

/** Rounds, sizes and survivors are those of loads/heap.*: 20,000 blocks of 600 to 6,000 bytes, of which every 50th stays. */
const BLOCK_COUNT = 20_000;
const SURVIVOR_EVERY = 50;
const indexes = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
const blocks = indexes(BLOCK_COUNT).map((index) => ({ index, text: "x".repeat(600 + ((index * 7_919) % 5_400)) }));
const isSurvivor = (index: number): boolean => index % SURVIVOR_EVERY === 0;

export async function startRedis({ folder, env }: Given): Promise<Started> {
  const socket = join(folder, "redis.sock");
  const args = ["--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder];
  const redis = startService("redis-server", { folder, args, env, asNobody: true });
  await until("redis answers", () => answers({ path: socket }), redis.log);
  const pipe = (commands: readonly string[]) => runOnce("redis-cli", ["-s", socket, "--pipe"], { input: commands.join("") });
  let round = 0;
  const load = async (): Promise<void> => {
    round++;
    pipe(blocks.map(({ index, text }) => `SET key:${round}:${index} ${text}\n`));
    pipe(blocks.flatMap(({ index }) => (isSurvivor(index) ? [] : [`DEL key:${round}:${index}\n`])));
  };
  return { services: [redis], address: socket, load };
}

/** Items up to 500 KB go into memcached's own slabs; what malloc serves are its connections. */
export async function startMemcached({ folder, env }: Given): Promise<Started> {
  const path = join(folder, "memcached.sock");
  const memcached = startService("memcached", { folder, args: ["-s", path, "-m", "256"], env, asNobody: true });
  await until("memcached answers", () => answers({ path }), memcached.log);
  const load = async (): Promise<void> => {
    const clients = await Promise.all(indexes(200).map(() => memcachedClient(path)));
    const sets = blocks.map(({ index, text }) => `set key:${index} 0 0 ${text.length} noreply\r\n${text}\r\n`);
    await Promise.all(clients.map((ask, client) => ask(sets.filter((_, index) => index % clients.length === client).join(""))));
    await Promise.all(clients.map((ask) => ask(null)));
  };
  return { services: [memcached], address: path, load };
}

/** Sends commands that are not answered, then one that is, and waits for that; null ends the connection. */
async function memcachedClient(path: string): Promise<(commands: string | null) => Promise<void>> {
  const socket = createConnection({ path });
  return (commands) =>
    new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once("data", () => resolve());
      socket.once("close", () => resolve());
      if (commands === null) socket.end();
      else socket.write(`${commands}version\r\n`);
    });
}

/** Uploads that nginx holds in memory, because their last byte does not come. */
const UPLOAD_COUNT = 2_000;
const UPLOAD_BYTES = 15_000;

export async function startNginx({ folder, env }: Given): Promise<Started> {
  const port = await freePort();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((part) => `${part}_temp_path ${folder}/${part};`);
  writeFileSync(join(folder, "index.html"), "tidemark\n".repeat(100));
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr crit;
    events { worker_connections 4096; }
    http {
      access_log off; keepalive_requests 100000000; client_body_buffer_size 16k; ${temporary.join(" ")}
      server {
        listen 127.0.0.1:${port} backlog=4096;
        root ${folder};
        location = /status { stub_status; }
        location /upload { proxy_pass http://unix:${folder}/nobody.sock; }
      }
    }`,
  );
  const args = ["-e", "stderr", "-p", folder, "-c", join(folder, "nginx.conf")];
  const nginx = startService("nginx", { folder, args, env, asNobody: true });
  await until("nginx answers", () => answers({ port }), nginx.log);
  const pid = Number(runOnce("ps", ["-o", "pid=", "--ppid", String(nginx.pid)]));
  const survivors: Socket[] = [];
  return { services: [nginx], pid, address: `http://127.0.0.1:${port}/`, load: () => holdUploads(port, survivors) };
}

/** Thousands of clients whose uploads do not end, and who then go away but for a few. */
async function holdUploads(port: number, survivors: Socket[]): Promise<void> {
  const head = `POST /upload HTTP/1.1\r\nHost: tidemark\r\nContent-Length: ${UPLOAD_BYTES}\r\n\r\n`;
  const clients = indexes(UPLOAD_COUNT).map(() => createConnection({ port, host: "127.0.0.1" }));
  for (const client of clients) {
    client.on("error", () => {});
    client.write(`${head}${"x".repeat(UPLOAD_BYTES - 1)}`);
    client.unref();
  }
  // Whoever reads its body counts as reading; the client that asks for the status writes.
  const status = async (pattern: RegExp): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${port}/status`, { headers: { connection: "close" } });
    return Number(pattern.exec(await answer.text())?.[1]);
  };
  const held = survivors.length + clients.length;
  await until("nginx holds the uploads", async () => ((await status(/Writing: (\d+)/)) > held ? true : null));
  survivors.push(...clients.filter((_, index) => isSurvivor(index)));
  clients.forEach((client, index) => {
    if (!isSurvivor(index)) client.destroy();
  });
  await until("nginx drops them", async () => ((await status(/connections: (\d+)/)) <= survivors.length + 1 ? true : null));
}

/** The newest PostgreSQL that Debian has installed; its servers are not on PATH. */
export const postgresPath = (command: string): string =>
  globSync(`/usr/lib/postgresql/*/bin/${command}`).sort().at(-1) ?? `/usr/lib/postgresql/${command}`;

/** The plan of each prepared statement lies in memory of its own, so that dropping most of them leaves holes. */
const STATEMENT_COUNT = 2_000;
const STATEMENT_COLUMNS = 40;

export async function startPostgres({ folder, env }: Given): Promise<Started> {
  const data = join(folder, "data");
  const initdb = ["-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "--no-instructions", "--locale=C", "-E", "UTF8"];
  runOnce(postgresPath("initdb"), initdb, { asNobody: true });
  const settings = ["fsync=off", "shared_buffers=64MB", "max_connections=50", "autovacuum=off"].flatMap((word) => ["-c", word]);
  const args = ["-D", data, "-k", folder, "-h", "", ...settings];
  // It takes SIGTERM as: when all sessions have ended.
  const server = startService(postgresPath("postgres"), { folder, args, env, asNobody: true, endSignal: "SIGINT" });
  const client = ["-h", folder, "-U", "postgres", "-qAtX", "-d", "postgres"];
  // It accepts connections before it takes sessions.
  const answer = () => (spawnSync("psql", [...client, "-c", "SELECT 1"]).status === 0 ? true : null);
  await until("postgres answers", answer, server.log);
  const psql = startService("psql", { folder, args: client, env: {}, isTalking: true });
  const ask = talk(psql);
  const pid = Number(await ask("SELECT pg_backend_pid();"));
  let round = 0;
  const load = async (): Promise<void> => {
    round++;
    const columns = indexes(STATEMENT_COLUMNS).map((column) => `$1 + ${column}`);
    const names = indexes(STATEMENT_COUNT).map((index) => `s${round}_${index}`);
    const prepared = names.map((name) => `PREPARE ${name} (int) AS SELECT ${columns.join(", ")};`);
    const dropped = names.flatMap((name, index) => (isSurvivor(index) ? [] : [`DEALLOCATE ${name};`]));
    await ask([...prepared, ...dropped, "SELECT 'done';"].join("\n"));
  };
  return { services: [server, psql], pid, address: folder, load };
}

/** A database in a folder of its own; its server takes local clients of any name, as no port is open. */
export async function startMariadb({ folder, env }: Given): Promise<Started> {
  const data = join(folder, "data");
  const socket = join(folder, "mariadb.sock");
  const own = ["--no-defaults", `--datadir=${data}`];
  runOnce("mariadb-install-db", [...own, "--auth-root-authentication-method=normal", "--skip-test-db"], { asNobody: true });
  const options = [
    "--skip-networking",
    "--skip-grant-tables",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=64M",
  ];
  const server = startService("mariadbd", { folder, args: [...own, `--socket=${socket}`, ...options], env, asNobody: true });
  await until("mariadb answers", () => answers({ path: socket }), server.log);
  // The variables of a session are freed when it ends; a session's thread takes any arena.
  const sets = blocks.map(({ index, text }) => `SET @v${index} = '${text}';\n`);
  const load = async (): Promise<void> => {
    runOnce("mariadb", ["--no-defaults", `--socket=${socket}`], { input: sets.join("") });
  };
  return { services: [server], address: socket, load };
}
