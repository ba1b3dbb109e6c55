# LMDB's tools: load, dump, copy, readers' table.
# quick
mkdir db copy
printf 'VERSION=3\nformat=print\ntype=btree\nmapsize=1048576\nmaxreaders=10\ndb_pagesize=4096\nHEADER=END\n' >in
for i in 1 2 3 4 5; do printf ' key%s\n value%s\n' $i $i; done >>in
echo DATA=END >>in
mdb_load -f in db
mdb_dump -p db | grep -a '^ '
mdb_copy db copy
mdb_stat copy | grep -a Entries
mdb_stat -r db
for i in 1 2 3; do mdb_load -f in db & done
wait
mdb_stat db | grep -a Entries
