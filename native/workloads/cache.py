# A service in Python whose cache fills during the first cycle and then stays at its bound: growth that is meant.
# Detection must stay silent: live memory plateaus.
import random
import signal
import sys
import time

LIFETIME_S_MAX = 600
signal.alarm(LIFETIME_S_MAX)
# Ctrl-C in the terminal reaches this program as well; it ends without a word.
signal.signal(signal.SIGINT, signal.SIG_DFL)
peak_bytes = int(sys.argv[1]) << 20
cycle_s = float(sys.argv[2])
started = time.monotonic()
generator = random.Random(5)
cache = {}
cached_bytes = 0

while True:
    # Full before the first cycle is over; from then on each new entry replaces an old one.
    wanted_bytes = min(1.0, (time.monotonic() - started) / (0.8 * cycle_s)) * peak_bytes
    while cached_bytes < wanted_bytes:
        size = generator.randint(2_000, 12_000)
        cache[len(cache)] = bytes(size)
        cached_bytes += size
    for _ in range(20):
        key = generator.randrange(len(cache) or 1)
        if key in cache:
            cache[key] = bytes(len(cache[key]))
    time.sleep(0.01)
