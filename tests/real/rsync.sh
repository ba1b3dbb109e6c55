# rsync: to a copy, to a daemon that counts its connections with a lock, and with files that go away.
mkdir -p from/sub to served
for i in 1 2 3 4 5; do seq "$i" 500 >"from/sub/$i"; done
flock lock rsync -a --itemize-changes from/ to/ | sed 's/^\([^ ]*\)/\1/'
rsync -a --delete --itemize-changes from/ to/
rm from/sub/3
rsync -a --delete --itemize-changes from/ to/
cat >conf <<END
use chroot = no
lock file = $PWD/rsyncd.lock
log file = $PWD/log
[m]
path = $PWD/served
read only = no
max connections = 2
uid = $(id -u)
gid = $(id -g)
END
cat >daemon <<END
#!/bin/sh
exec rsync --server --daemon --config=$PWD/conf .
END
chmod +x daemon
RSYNC_CONNECT_PROG=$PWD/daemon rsync -a from/ rsync://localhost/m/
RSYNC_CONNECT_PROG=$PWD/daemon rsync rsync://localhost/m/sub/ | awk '{ print $2, $5 }'
rsync -a missing to 2>&1 | sed 's/ at [a-z.]*c(.*//' | sed "s|$PWD|.|"
