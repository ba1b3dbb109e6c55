# tdb's tools: a database that three write at once.
# quick
echo 'create t.tdb' | tdbtool >/dev/null
for writer in 1 2 3; do
    for i in 1 2 3 4 5 6 7 8 9 10; do echo "insert k$writer.$i v$i"; done | tdbtool t.tdb >/dev/null &
done
wait
tdbtool t.tdb keys | wc -l
tdbtool t.tdb check
tdbtool t.tdb show k2.7
tdbbackup t.tdb
tdbdump t.tdb.bak | sort | head -n 4
