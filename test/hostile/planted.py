# A program that holds secrets and lies about itself: its name, its environment while that is read, its mappings.
# What the collector makes of it is local-user.test.ts's. Arguments: kind, and a secret that is none of anybody's business.
import ctypes, mmap, sys, threading

kind = sys.argv[1]
libc = ctypes.CDLL(None, use_errno=True)
PR_SET_NAME = 15

# Above what else a machine that runs tests has: only such programs are watched in them.
held = [("planted-heap-" + "%06d" % at) * 40 for at in range(240000 if kind in ("plain", "mappings") else 100)]
if kind == "name":
    libc.prctl(PR_SET_NAME, b"\n\x1b[31m\xff../\x9b)", 0, 0, 0)
if kind == "mappings":
    # Every other page read-only: each is a mapping of its own.
    count = 60000
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    base = libc.mmap(None, count * 4096, 3, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    for at in range(0, count, 2):
        libc.mprotect(base + at * 4096, 4096, 1)
if kind == "environment":
    fields = open("/proc/self/stat").read().rsplit(")", 1)[1].split()
    start, end = int(fields[47]), int(fields[48])  # env_start and env_end, man 5 proc_pid_stat
    full = b"OTEL_SERVICE_NAME=" + b"A" * (end - start)  # no NUL anywhere
    others = [full[: end - start], (b"\x1b[31m=\n" * (end - start))[: end - start], (b"a=\0" * (end - start))[: end - start]]

    def rewrite():
        while True:
            for text in others:
                ctypes.memmove(start, text, end - start)

    threading.Thread(target=rewrite, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
