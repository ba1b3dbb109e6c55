# util-linux flock: each form of it.
# quick
flock lock echo file
flock -c 'echo command' lock 2>&1 || flock lock -c 'echo command'
flock . echo directory
flock -s lock flock -s lock echo shared twice
flock -x lock flock -n -E 42 lock echo never
echo "conflict: $?"
flock lock flock -w 0.05 lock echo never
echo "timeout: $?"
flock -F lock echo no fork
flock -o lock true
flock --verbose lock true | sed 's/ [0-9.]* s/ N s/'
(flock -n 9 && echo descriptor) 9>lock
flock 77 true 2>&1
echo "bad descriptor: $?"
flock /no/such/place true 2>&1
echo "no file: $?"
