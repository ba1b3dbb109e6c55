# SQLite: rollback journal and write-ahead log, three writers at once, backup, integrity check.
# quick
for mode in delete wal; do
    sqlite3 "$mode.db" "PRAGMA journal_mode=$mode; CREATE TABLE t(x INTEGER PRIMARY KEY, y);"
    for writer in 1 2 3; do
        for i in 1 2 3 4 5 6 7 8 9 10; do
            echo ".timeout 60000"
            echo "INSERT INTO t(y) VALUES($writer * 100 + $i);"
        done | sqlite3 "$mode.db" &
    done
    wait
    sqlite3 "$mode.db" "SELECT count(*), sum(y) FROM t; PRAGMA integrity_check;"
    sqlite3 "$mode.db" ".backup copy.db"
    sqlite3 copy.db "SELECT count(DISTINCT y) FROM t;"
done
(echo "BEGIN EXCLUSIVE;"; echo ".shell sqlite3 delete.db 'INSERT INTO t(y) VALUES(1)' 2>&1; echo status \$?"; echo "COMMIT;") | sqlite3 delete.db
