#!/bin/busybox sh
# The first process of the emulated aarch64 machine: runs each case of a file and prints what the program and the walker say.
# It leaves judging to foreign-arm64.test.ts. A case: <folder of the C library> <walks> <commands or -> <program> <arguments>.
PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mknod /dev/null c 1 3 2>/dev/null
say() { echo "tidemark: $*"; }
page_kb=$(awk '/^KernelPageSize/ {print $2; exit}' /proc/self/smaps)
walk() { say "walk $(/unit/tidemark-walk --cpu-budget-us 60000000 "$1" 2>&1)"; }
say "machine page_kb=$page_kb kernel=$(uname -r)"
for unit in /unit/*_unit; do say "unit name=${unit##*/} says=$($unit 2>&1 | tail -n 1)"; done
mkfifo /in /out
while read -r libc walks commands program arguments; do
  say "case $libc $walks $commands $program $arguments"
  # shellcheck disable=SC2086
  "/libc/$libc/ld-linux-aarch64.so.1" --library-path "/libc/$libc" "/programs/$program" $arguments </in >/out &
  exec 3>/in 4</out
  read -r truth <&4
  pid=$(echo "$truth" | sed -n 's/^pid=\([0-9]*\) .*/\1/p')
  say "truth $truth"
  for _ in $(seq "$walks"); do walk "${pid:-$!}"; done
  for command in $(echo "${commands#-}" | tr , ' '); do
    echo "$command" >&3
    read -r truth <&4
    say "truth $truth"
    walk "${pid:-$!}"
  done
  exec 3>&- 4<&-
  kill -9 $! 2>/dev/null
  wait $! 2>/dev/null
done <"/cases-$page_kb"
say end
poweroff -f
