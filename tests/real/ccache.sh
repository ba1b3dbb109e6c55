# ccache: a cache that four compilers fill at once, hit and cleaned.
export CCACHE_DIR=$PWD/cache CCACHE_NOHASHDIR=1
for i in 1 2 3 4; do echo "int f$i(void) { return $i; }" >"f$i.c"; done
for round in 1 2; do
    for i in 1 2 3 4; do ccache gcc -c "f$i.c" -o "f$i.o" & done
    wait
done
ccache --print-stats | grep -E '^(direct_cache_hit|cache_miss|files_in_cache)'
ccache -c
ccache -C | head -n 1
echo 'int broken(' >bad.c
flock lock ccache gcc -c bad.c 2>&1
echo "status $?"
