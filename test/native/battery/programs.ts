// Programs as people run them, one shell script each: what it prints and how it ends is the same at every run, or `varying` says
// what is not. It leaves running them with and without our libraries to battery.test.ts.
import { fileURLToPath } from "node:url";
import { postgresPath } from "../../support/servers.ts";

export interface BatteryProgram {
  readonly name: string;
  /** Names on PATH or absolute paths. */
  readonly commands: readonly string[];
  /** For bash, in an empty folder of its own. */
  readonly script: string;
  readonly asNobody?: boolean;
  /** What differs from run to run also without us. */
  readonly varying?: readonly RegExp[];
  /** Also run on jemalloc, where the shim has a thread of its own. */
  readonly onJemalloc?: boolean;
  /** What ld.so itself says when it leaves a library out. */
  readonly leftOut?: RegExp;
}

const node = process.execPath;
const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const esbuild = file("../../../node_modules/.bin/esbuild");
const postgresFolder = postgresPath("").replace(/\/$/, "");
/** Waits for what a daemon does, at most as long as the whole run may take. */
const until = (condition: string): string => `until ${condition}; do sleep 0.02; done`;

/** In what the shell says of a child that died of a signal, padded. */
const shellsPid = /(?<=^bash: line \d+:) +\d+/gm;
/** As MariaDB writes it: an hour before ten is padded with a blank. */
const timestamp = /^\d{4}-\d\d-\d\d +\d+:\d\d:\d\d/gm;

/** A zombie has ended, however long whoever inherited it takes to notice. */
const untilEnded = until("! grep -qs '^State:.[^ZX]' /proc/$pid/status");

const cc = (source: string, flags: string, compiler = "cc"): string =>
  `printf '%s' '${source}' > p.c && ${compiler} -o p p.c ${flags} && ./p; echo "status $?"`;
const hello = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void) {
  char *line = malloc(100000);
  for (int i = 0; i < 1000; i++) { char *more = realloc(line, 100000 + i * 1000); if (!more) return 1; line = more; }
  strcpy(line, "hello"); puts(line); free(line); fputs("warned\\n", stderr); return 7;
}`;
const exceptions = `
#include <iostream>
#include <map>
#include <new>
#include <stdexcept>
#include <string>
struct alignas(64) Wide { char bytes[192]; };
int main() {
  std::map<std::string, Wide *> all;
  for (int i = 0; i < 1000; i++) all[std::to_string(i)] = new Wide();
  for (auto &one : all) delete one.second;
  try { throw std::runtime_error("thrown"); } catch (const std::exception &e) { std::cout << e.what() << all.size() << std::endl; }
  try { ::operator delete(::operator new(static_cast<std::size_t>(-1) / 4)); } catch (const std::bad_alloc &e) { std::cout << "bad_alloc" << std::endl; }
  throw 1;
}`;

/** The last thread that returns ends the program: one more that never returns would keep it alive for ever. */
const mainLeaves = `
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static void *work(void *nothing) { free(malloc(1000)); puts("worked"); fflush(stdout); return nothing; }
int main(void) { pthread_t thread; pthread_create(&thread, NULL, work, NULL); pthread_exit(NULL); }`;

export const batteryPrograms: readonly BatteryProgram[] = [
  {
    name: "python",
    commands: ["/usr/bin/python3"],
    onJemalloc: true,
    script: `/usr/bin/python3 -W error -c '
import ctypes, json, multiprocessing, os, re, sqlite3, subprocess, threading, zlib
def square(n): return n * n
threads = [threading.Thread(target=lambda: [bytes(5000) for _ in range(2000)]) for _ in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
with multiprocessing.get_context("fork").Pool(2) as pool: print(sum(pool.map(square, range(100))))
print(json.dumps({"a": [1, 2.5, None]}), len(zlib.compress(b"x" * 100000)), subprocess.check_output(["echo", "child"]))
print(sqlite3.connect(":memory:").execute("SELECT 6 * 7").fetchall(), len(os.listdir("/proc/self/task")) >= 1)
raise SystemExit(3)'`,
  },
  {
    name: "python that raises, aborts and is killed",
    commands: ["/usr/bin/python3"],
    script: `ulimit -c 0
      /usr/bin/python3 -c 'import nothing_of_this_name'; echo $?
      /usr/bin/python3 -c 'import os; os.abort()'; echo $?
      /usr/bin/python3 -c 'import ctypes; ctypes.string_at(8)'; echo $?
      /usr/bin/python3 -c 'import os, signal; os.kill(os.getpid(), signal.SIGTERM)'; echo $?`,
    varying: [shellsPid],
  },
  {
    name: "perl",
    commands: ["perl"],
    onJemalloc: true,
    script: `perl -Mstrict -MList::Util=sum -e '
my %count; $count{length "x" x ($_ % 700)}++ for 1 .. 50000; print sum(values %count), "\\n";
for (1 .. 20) { my $pid = fork; exit $_ if !$pid; waitpid $pid, 0; print $? >> 8, " "; }
print join(",", map { sprintf "%03d", $_ } sort { $b <=> $a } 1 .. 5), "\\n"; warn "warned\\n"; exit 4'`,
  },
  {
    name: "ruby",
    commands: ["ruby"],
    onJemalloc: true,
    script: `ruby -w -rjson -rdigest -e '
a = Array.new(20_000) { |i| "x" * (i % 3000) }; a = nil; GC.start
puts Thread.new { (1..1000).sum }.value, JSON.generate("k" => [1, nil]), Digest::SHA256.hexdigest("tidemark")
puts IO.popen(["echo", "child"]).read, Process.wait2(fork { exit 5 })[1].exitstatus
warn "warned"; exit 6'`,
  },
  {
    name: "node",
    commands: [],
    onJemalloc: true,
    script: `${node} -e '
const { Worker } = require("node:worker_threads"); const { spawnSync } = require("node:child_process"); const zlib = require("node:zlib");
const buffers = Array.from({ length: 5000 }, (_, i) => Buffer.allocUnsafeSlow(i)); console.log(buffers.length);
console.log(zlib.gunzipSync(zlib.gzipSync("x".repeat(1e6))).length, spawnSync("echo", ["child"]).stdout.toString());
require("node:crypto").scrypt("a", "b", 16, (_, key) => console.log(key.toString("hex")));
new Worker("require(\\"node:worker_threads\\").parentPort.postMessage(process.arch.length)", { eval: true }).on("message", (m) => { console.error(m); process.exitCode = 8; });'`,
  },
  {
    name: "java and javac",
    commands: ["javac", "java"],
    script: `javac -J-XX:TieredStopAtLevel=1 -d . ${file("../../support/loads/Heap.java")} && printf 'one\\ntwo\\n' | java -Xmx128m -XX:TieredStopAtLevel=1 -cp . Heap; echo $?; java -cp . Absent`,
  },
  {
    // Processes of many kinds, most of them behind seccomp filters; what it complains of differs from machine to machine.
    name: "chromium in its sandbox",
    commands: ["chromium"],
    asNobody: true,
    script: `chromium --headless --disable-gpu --disable-dev-shm-usage --user-data-dir="$PWD/profile" --dump-dom \
      'data:text/html,<p id=a></p><script>a.textContent=[...Array(1e5).keys()].map(i=>new Array(i&63)).length</script>' 2>/dev/null`,
  },
  { name: "gcc and what it makes", commands: ["cc"], script: cc(hello, "-O2 -Wall"), onJemalloc: true },
  {
    name: "g++ and C++ exceptions",
    commands: ["g++"],
    script: `ulimit -c 0; ${cc(exceptions, "-std=c++17 -Wno-alloc-size-larger-than", "g++ -x c++")}`,
    varying: [shellsPid],
    onJemalloc: true,
  },
  {
    name: "a program whose main thread leaves first",
    commands: ["cc"],
    script: cc(mainLeaves, "-pthread"),
    onJemalloc: true,
  },
  {
    name: "git",
    commands: ["git"],
    script: `export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_DATE=@0 GIT_COMMITTER_DATE=@0
      export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
      git init -q -b main . && for i in $(seq 20); do seq $i 2000 > file$i; git add .; git commit -q -m "change $i"; done
      git log --stat --format='%H %s' | tail -30; git repack -adq; git fsck --full; git grep -c 1999 | head -3; git checkout absent`,
  },
  {
    name: "bash with 800 forks",
    commands: ["bash"],
    onJemalloc: true,
    script: `total=0; for i in $(seq 800); do total=$((total + $(echo $i))); done; echo $total; (exit 9); echo $?; absent-command; exit 10`,
  },
  {
    name: "initdb, postgres and psql",
    commands: ["psql", `${postgresFolder}/initdb`],
    asNobody: true,
    script: `PATH=${postgresFolder}:$PATH
      initdb -D data -U postgres -A trust --no-sync --locale=C -E UTF8 && printf "fsync=off\\n" >> data/postgresql.conf
      pg_ctl -D data -o "-k $PWD -h ''" -l log -w -s start
      psql -h "$PWD" -U postgres -c "CREATE TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 20000) i" -c "SELECT count(DISTINCT md5) FROM t" -c "SELECT 1/0"
      echo $?; pg_ctl -D data -m fast -s stop; echo $?`,
  },
  {
    name: "mariadb's bootstrap",
    commands: ["mariadbd"],
    asNobody: true,
    script: `mkdir data; for sql in "CREATE DATABASE d" "CREATE TABLE d.t AS WITH RECURSIVE c AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM c WHERE i < 1000) SELECT i FROM c" "DROP TABLE d.absent"; do
        echo "$sql;" | mariadbd --no-defaults --datadir="$PWD/data" --innodb-flush-method=nosync --innodb-log-file-size=4M --log-error="$PWD/log" --bootstrap; echo $?
      done; ls data/d`,
    varying: [timestamp],
  },
  {
    name: "nginx, and curl as its client",
    commands: ["nginx", "curl"],
    script: `head -c 300000 /dev/zero | tr '\\0' x > index.html; echo "pid $PWD/pid; error_log stderr crit; worker_processes 2;
      events {} http { access_log off; server { listen unix:$PWD/sock; root $PWD; } }" > conf; chmod 644 index.html
      nginx -e stderr -c "$PWD/conf" || exit 1
      for i in 1 2 3 4 5; do curl -s --unix-socket sock http://a/index.html | cksum; done
      curl -s -o /dev/null -w '%{http_code}\\n' --unix-socket sock http://a/absent
      pid=$(cat pid); kill -QUIT $pid; ${untilEnded}; curl -sS --unix-socket sock http://a/; echo $?`,
    varying: [/(?<=port 80 after )\d+(?= ms)/g],
  },
  {
    name: "memcached",
    commands: ["memcached", "perl"],
    asNobody: true,
    script: `memcached -d -s "$PWD/sock" -P "$PWD/pid"; ${until("[ -S sock ] && [ -s pid ]")}
      perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new("sock"); print $s "set k 0 0 5\\r\\nhello\\r\\nget k\\r\\nquit\\r\\n"; print while <$s>'
      pid=$(cat pid); kill $pid; ${untilEnded}; echo ended`,
  },
  {
    name: "redis BGSAVE (on jemalloc by itself)",
    commands: ["redis-server", "redis-cli"],
    script: `redis-server --port 0 --unixsocket "$PWD/sock" --daemonize yes --dir "$PWD" --pidfile "$PWD/pid" --logfile "$PWD/log" --save ''
      ${until("redis-cli -s sock ping 2>/dev/null | grep -q PONG")}
      redis-cli -s sock eval 'for i = 1, 20000 do redis.call("set", "k" .. i, string.rep("x", i % 3000)) end return redis.call("dbsize")' 0
      redis-cli -s sock bgsave; ${until("redis-cli -s sock info persistence | grep -q rdb_bgsave_in_progress:0")}
      redis-cli -s sock info persistence | grep rdb_last_bgsave_status
      redis-cli -s sock bgrewriteaof; ${until("redis-cli -s sock info persistence | grep -q aof_rewrite_in_progress:0")}
      pid=$(cat pid); redis-cli -s sock shutdown nosave; ${untilEnded}; redis-check-rdb dump.rdb | tail -1`,
  },
  {
    name: "php",
    commands: ["php"],
    script: `php -d display_errors=stderr -r '
for ($i = 0; $i < 20000; $i++) $a["k$i"] = str_repeat("x", $i % 900); echo count($a), " ", md5(serialize($a)), "\\n";
preg_match_all("/\\d+/", implode(",", range(1, 5000)), $m); echo count($m[0]), "\\n"; echo shell_exec("echo child"); throw new Exception("thrown");'; echo $?
      USE_ZEND_ALLOC=0 php -r 'echo strlen(json_encode(range(1, 50000))), "\\n"; exit(11);'`,
  },
  {
    name: "awk",
    commands: ["awk"],
    script: `seq 200000 | awk '{ n[$1 % 997] += $1 } END { for (k in n) t += n[k]; print t, length(n) }'`,
    onJemalloc: true,
  },
  {
    name: "sed, sort and uniq",
    commands: ["sed", "sort"],
    script: `seq 100000 | sed 's/[0-5]/x/g' | sort --parallel=2 -S 1M | uniq -c | sort -rn | head -5; sed -n p absent`,
    onJemalloc: true,
  },
  {
    name: "tar and gzip",
    commands: ["tar", "gzip"],
    script: `seq 100000 > a; mkdir d; cp a d/b; tar cf - --mtime=@0 --owner=0 --group=0 --mode=644 a d | gzip -n9 > t.gz; cksum < t.gz; gzip -t t.gz; tar tzf t.gz; gzip -d < a; echo $?`,
  },
  {
    name: "xz and bzip2",
    commands: ["xz", "bzip2"],
    script: "seq 50000 | xz -T2 -c | tee t.xz | cksum; xz -dc t.xz | bzip2 -c | cksum",
  },
  {
    name: "find and xargs",
    commands: ["find"],
    script:
      "mkdir -p a/b/c; touch a/{1..50} a/b/{1..50}; find . -type f -print0 | sort -z | xargs -0 -n 10 -P 1 echo | cksum; find absent",
  },
  {
    name: "sqlite3",
    commands: ["sqlite3"],
    script: `sqlite3 f.db "CREATE TABLE t(a); WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 100000) INSERT INTO t SELECT x FROM c; SELECT sum(a), count(DISTINCT a % 977) FROM t; SELECT * FROM absent;"`,
    onJemalloc: true,
  },
  {
    name: "unshare",
    commands: ["unshare"],
    script: "unshare -r id -u; unshare -U true; echo $?; unshare -rm true; echo $?; unshare -rpf sh -c 'echo $$'",
    onJemalloc: true,
  },
  {
    name: "nsenter",
    commands: ["nsenter"],
    script:
      "nsenter -m/proc/self/ns/mnt true; echo $?; nsenter -t $$ -m -i -u -n true; echo $?; unshare -r nsenter -U/proc/self/ns/user true; echo $?",
    onJemalloc: true,
  },
  {
    name: "make",
    commands: ["make"],
    script: `printf 'all: a b c\\n\\t@cat a b c\\n%%:\\n\\t@seq 3 > $@\\nbad:\\n\\t@false\\n' > Makefile; make -j2; make bad; echo $?`,
  },
  {
    name: "ssh-keygen",
    commands: ["ssh-keygen"],
    script: `ssh-keygen -q -t ed25519 -N '' -C c -f key && ssh-keygen -y -f key | cmp - key.pub && echo same; echo text | ssh-keygen -q -Y sign -f key -n file 2>&1 | head -1; ssh-keygen -l -f absent`,
  },
  {
    name: "openssl",
    commands: ["openssl"],
    script:
      "seq 10000 | openssl dgst -sha256; openssl req -x509 -newkey rsa:2048 -nodes -keyout k -out c -subj /CN=a -days 1 2>/dev/null; openssl verify -CAfile c c",
  },
  {
    name: "gpg",
    commands: ["gpg"],
    script:
      "seq 10000 | gpg --homedir . --no-permission-warning --batch --print-md SHA256; gpg --homedir . --batch --list-keys absent",
  },
  {
    name: "systemd-analyze",
    commands: ["systemd-analyze"],
    script:
      "systemd-analyze timespan 3h5min; systemd-analyze calendar --base-time=2026-01-01 '*-*-01' | head -2; systemd-escape -p /a/b",
  },
  {
    name: "dpkg and apt",
    commands: ["dpkg-query", "apt-cache"],
    script: "dpkg-query -W | cksum; dpkg -s absent; apt-config dump | cksum",
  },
  {
    name: "strace, which stops and goes on",
    commands: ["strace"],
    script: "strace -f -o log -e trace=execve sh -c 'true; echo traced'; grep -c exited log",
  },
  {
    name: "a program under seccomp that may only write and leave",
    commands: ["/usr/bin/python3"],
    onJemalloc: true,
    script: `/usr/bin/python3 -c '
import ctypes, os
libc = ctypes.CDLL(None); say = b"confined\\n"; libc.prctl(22, 1, 0, 0, 0); libc.write(1, say, len(say)); libc.syscall(60, 12)'; echo $?`,
  },
  {
    name: "a daemon that forks twice and closes everything",
    commands: ["perl"],
    onJemalloc: true,
    script: `perl -MPOSIX -e '
exit if fork; setsid; exit if fork; POSIX::close($_) for 0 .. 255; my @a = map { "x" x $_ } 1 .. 2000; open my $f, ">", "part"; print $f scalar @a; close $f; rename "part", "done"'
      ${until("[ -e done ]")}; cat done`,
  },
  { name: "a musl binary", commands: ["musl-gcc"], script: cc(hello, "-O2", "musl-gcc") },
  { name: "a static musl binary", commands: ["musl-gcc"], script: cc(hello, "-O2 -static", "musl-gcc") },
  { name: "a static glibc binary", commands: ["cc"], script: cc(hello, "-O2 -static") },
  {
    name: "a Go binary",
    commands: [esbuild],
    script: `echo 'export const a: number = 1 ?? 2;' > a.ts; ${esbuild} --minify a.ts; ${esbuild} absent.ts --log-level=error; echo $?`,
  },
  {
    name: "setuid programs",
    commands: ["passwd", "mount", "newgrp"],
    asNobody: true,
    script: "passwd -S; echo $?; mount | grep -c ' / '; echo | newgrp root; echo $?",
  },
  {
    name: "a 32-bit program",
    commands: ["/lib32/libc.so.6"],
    script: "/lib32/libc.so.6; echo $?",
    leftOut:
      /^ERROR: ld\.so: object '[^']+' from LD_PRELOAD cannot be preloaded \(wrong ELF class: ELFCLASS64\): ignored\.\n/gm,
  },
];
