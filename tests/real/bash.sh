# GNU bash: descriptors, subshells, coprocesses, traps and jobs, with locks in all of them.
# quick
exec 9>lock
flock 9
(flock -n lock true || echo "taken, status $?")
flock -u 9
coproc ECHO { while read -r line; do echo "<$line>"; done; }
coprocess=$ECHO_PID
echo one >&"${ECHO[1]}"
read -r reply <&"${ECHO[0]}"
echo "$reply"
eval "exec ${ECHO[1]}>&-"
wait "$coprocess"
for i in 1 2 3 4; do
    (flock 8 && echo "$i" >>numbers) 8>lock &
done
wait
sort -n numbers
trap 'echo trapped' USR1
kill -USR1 $$
mapfile -t lines < <(printf '%s\n' a b c)
echo "${#lines[@]} ${lines[2]}"
(exit 41) | cat
echo "${PIPESTATUS[*]}"
{ sleep 100 & } 2>/dev/null
kill $!
wait $! 2>/dev/null
echo "killed: $?"
