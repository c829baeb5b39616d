# Allocates 20,000 blocks of 600 to 6,000 bytes for each line it reads and keeps every 50th, as a cache that is emptied does.
# It leaves the rest of its life to waiting.
import sys

survivors = []
print("ready", flush=True)
for line in sys.stdin:
    blocks = [bytearray(600 + i * 7919 % 5400) for i in range(20000)]
    survivors.extend(blocks[::50])
    del blocks
    print("done", flush=True)
