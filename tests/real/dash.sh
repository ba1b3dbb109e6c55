# dash: the same by a plain POSIX shell.
# quick
cat >script <<'END'
exec 9>lock
flock 9
( flock -n 7 || echo taken ) 7>lock
flock -u 9
for i in 1 2 3; do ( flock 8 && echo $i >>numbers ) 8>lock & done
wait
sort numbers
echo here | while read -r word; do echo "$word"; done
trap 'echo bye' EXIT
set -- a b c
shift
echo "$# $*"
x=$(flock lock echo inner; exit 3)
echo "$x $?"
END
dash script
