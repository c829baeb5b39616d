# Allocates 20,000 strings of 600 to 6,000 bytes for each line it reads and keeps every 50th, as a cache that is emptied does.
# It leaves the rest of its life to waiting.
use strict;
use warnings;
$| = 1;
my @survivors;
print "ready\n";
while (<STDIN>) {
    my @blocks;
    for my $i (0 .. 19999) { push @blocks, "x" x (600 + $i * 7919 % 5400); }
    for my $i (0 .. 399) { push @survivors, $blocks[$i * 50]; }
    undef @blocks;
    print "done\n";
}
