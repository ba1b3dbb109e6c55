# logrotate: rotates by a state file that it locks, which two of them want at once.
mkdir logs
seq 1000 >logs/a.log
cat >conf <<END
$PWD/logs/*.log {
  rotate 2
  size 1
  compress
  create 0600
  su $(id -un) $(id -gn)
  postrotate
    echo rotated
  endscript
}
END
chmod 600 conf
logrotate -s state conf 2>&1
ls logs
seq 10 >logs/a.log
logrotate -s state -f conf 2>&1
ls logs
flock state logrotate -s "$PWD/state" -f conf 2>&1 | sed "s|$PWD|.|g"
zcat logs/a.log.2.gz | wc -l
