# tar, gzip and xz in pipes, below a lock.
# quick
mkdir -p tree/a/b
for i in 1 2 3 4 5; do seq "$i" 1000 >"tree/a/b/$i"; done
ln -s b tree/a/link
ln tree/a/b/1 tree/hard
flock lock tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf - tree | sha256sum
flock lock tar -czf tree.tgz tree
mkdir out
(flock 9; tar -xzf tree.tgz -C out) 9>lock
diff -r tree out/tree && echo same
tar -tvf missing.tar 2>&1
echo "status $?"
