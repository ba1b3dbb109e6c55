# ksh93: coprocesses, arithmetic, jobs that lock.
cat >script <<'END'
flock lock flock -n lock true || echo "taken: $?"
cat |&
print -p hello
read -p line
print "$line"
exec 3>&p
exec 3>&-
typeset -F 2 x=10/4
print $x
for i in 1 2 3; do flock lock sh -c "echo $i >>numbers" & done
wait
sort numbers
END
ksh script
