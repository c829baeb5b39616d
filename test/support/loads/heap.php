<?php
// Allocates 20,000 strings of 600 to 6,000 bytes for each line it reads and keeps every 50th, as a cache that is emptied does.
// It leaves the rest of its life to waiting. They reach malloc only with USE_ZEND_ALLOC=0.
$survivors = [];
echo "ready\n";
while (fgets(STDIN) !== false) {
    $blocks = [];
    for ($i = 0; $i < 20000; $i++) $blocks[] = str_repeat("x", 600 + $i * 7919 % 5400);
    for ($i = 0; $i < 20000; $i += 50) $survivors[] = $blocks[$i];
    unset($blocks);
    gc_collect_cycles();
    echo "done\n";
}
