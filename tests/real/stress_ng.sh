# stress-ng --verify: its own lock stressors, which check each answer.
export TMPDIR=$PWD
for kind in flock lockf lockofd lockmix lockbus locka fcntl file-ioctl dup fork vfork exec; do
    stress-ng --"$kind" 2 --verify --timeout 1 --temp-path "$PWD" --no-rand-seed >log 2>&1
    echo "$kind: $?"
    grep -a -i 'fail:' log
done
stress-ng --lockf 2 --lockf-nonblk --verify --timeout 1 --temp-path "$PWD" >log 2>&1
echo "lockf-nonblk: $?"
