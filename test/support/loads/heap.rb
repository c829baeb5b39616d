# Allocates 20,000 strings of 600 to 6,000 bytes for each line it reads and keeps every 50th, as a cache that is emptied does.
# It leaves the rest of its life to waiting.
$stdout.sync = true
survivors = []
load_once = lambda do
  blocks = Array.new(20_000) { |i| "x" * (600 + i * 7919 % 5400) }
  survivors.concat(blocks.each_slice(50).map(&:first))
end
puts "ready"
while $stdin.gets
  load_once.call
  GC.start
  puts "done"
end
