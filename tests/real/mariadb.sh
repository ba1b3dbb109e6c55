# MariaDB: a new server, tables of two engines, transactions, a crash and its recovery, a clean stop.
start() {
    mariadbd --no-defaults --datadir="$PWD/data" --socket="$PWD/s" --skip-networking --user="$(id -un)" \
        --innodb-buffer-pool-size=8M --innodb-log-file-size=4M --pid-file="$PWD/pid" >>server.log 2>&1 &
    server=$!
    until sql -e "SELECT 1" >ping 2>&1; do sleep 0.1; done
}
sql() { mariadb --no-defaults --socket="$PWD/s" -N "$@"; }
mariadb-install-db --no-defaults --datadir="$PWD/data" --user="$(id -un)" --auth-root-authentication-method=normal \
    --skip-test-db --innodb-log-file-size=4M >install.log 2>&1
echo "install: $?"
start
sql -e 'CREATE DATABASE d; CREATE TABLE d.i(x INT PRIMARY KEY, y INT) ENGINE=InnoDB; CREATE TABLE d.a(x INT) ENGINE=Aria'
sql -e 'USE d; INSERT INTO d.i SELECT seq, seq * seq FROM seq_1_to_1000; INSERT INTO d.a SELECT seq FROM seq_1_to_1000; START TRANSACTION; DELETE FROM d.i; ROLLBACK'
sql -e 'SELECT count(*), sum(y) FROM d.i; SELECT count(*), max(x) FROM d.a; LOCK TABLES d.a WRITE; UNLOCK TABLES; CHECK TABLE d.i, d.a'
kill -KILL $server
wait $server 2>/dev/null
start
sql -e 'SELECT count(*), sum(y) FROM d.i'
sql -e SHUTDOWN
wait $server
echo "stopped: $?"
