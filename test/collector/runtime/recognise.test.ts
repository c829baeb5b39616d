// Runtimes by the paths of their programs and libraries, as distributions, images and version managers lay them out.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { recogniseRuntime } from "../../../collector/runtime/recognise.ts";

const LIBC = "/usr/lib/x86_64-linux-gnu/libc.so.6";

test("a runtime is known by its program or its library, and its version by their paths where these tell it", () => {
  const cases: readonly [string, readonly string[], string, string | null][] = [
    ["/usr/lib/jvm/java-17-openjdk-amd64/bin/java", ["/usr/lib/jvm/java-17-openjdk-amd64/lib/server/libjvm.so"], "jvm", null],
    ["/opt/app/bin/server", ["/opt/app/runtime/lib/server/libjvm.so"], "jvm", null],
    ["/usr/bin/node", [], "node", null],
    ["/root/.nvm/versions/node/v20.11.0/bin/node", [], "node", "20.11.0"],
    ["/opt/node-v22.1.0-linux-x64/bin/node", [], "node", "22.1.0"],
    ["/home/a/.asdf/installs/nodejs/18.19.1/bin/node", [], "node", "18.19.1"],
    ["/usr/bin/something", ["/usr/lib/x86_64-linux-gnu/libnode.so.108"], "node", null],
    ["/usr/bin/python3.11", [], "python", "3.11"],
    ["/usr/local/bin/python3.12", ["/usr/local/lib/libpython3.12.so.1.0"], "python", "3.12"],
    ["/opt/python/3.6.15/bin/python3.6", ["/opt/python/3.6.15/lib/libpython3.6m.so.1.0"], "python", "3.6"],
    ["/usr/bin/python3", [], "python", null],
    ["/usr/sbin/uwsgi", ["/usr/lib/x86_64-linux-gnu/libpython3.9.so.1.0"], "python", "3.9"],
    ["/usr/bin/ruby3.1", ["/usr/lib/x86_64-linux-gnu/libruby-3.1.so.3.1"], "ruby", "3.1"],
    ["/usr/local/bin/ruby", ["/usr/local/lib/libruby.so.3.3.0"], "ruby", "3.3"],
    ["/usr/sbin/php-fpm8.2", [], "php", "8.2"],
    ["/usr/bin/php8.2", [], "php", "8.2"],
    ["/usr/local/sbin/php-fpm", [], "php", null],
    ["/usr/sbin/apache2", ["/usr/lib/apache2/modules/libphp8.1.so"], "php", "8.1"],
    ["/usr/share/dotnet/dotnet", ["/usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.1/libcoreclr.so"], "dotnet", "8.0.1"],
    ["/usr/lib/erlang/erts-13.1.5/bin/beam.smp", [], "beam", "13.1.5"],
  ];
  for (const [program, libraries, runtime, runtime_version] of cases) {
    deepEqual(recogniseRuntime(program, [program, LIBC, ...libraries]), { runtime, runtime_version }, program);
  }
});

test("a program that embeds another runtime is what it runs itself", () => {
  const libraries = ["/usr/lib/jvm/java-17/lib/server/libjvm.so", "/usr/lib/libpython3.11.so.1.0"];
  equal(recogniseRuntime("/usr/bin/python3.11", libraries)?.runtime, "python");
  equal(recogniseRuntime("/usr/bin/gdb", libraries.slice(1))?.runtime, "python");
});

test("a library that was replaced on disk still tells", () => {
  deepEqual(recogniseRuntime("/usr/sbin/uwsgi", ["/usr/lib/libpython3.9.so.1.0 (deleted)"]), {
    runtime: "python",
    runtime_version: "3.9",
  });
});

test("names that only look alike, and programs without a runtime, are none", () => {
  for (const program of [
    "/usr/bin/node_exporter",
    "/usr/bin/python-config",
    "/usr/bin/rubyfmt",
    "/srv/phpmyadmin",
    "/usr/bin/redis-server",
    "/usr/bin/java",
  ]) {
    equal(recogniseRuntime(program, [program, LIBC]), null, program);
  }
  equal(recogniseRuntime(null, []), null);
});
