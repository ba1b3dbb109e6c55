# man-db: a cache of manual pages, which is a locked database, and what it finds there.
mkdir -p man/man1
for i in 1 2 3 4 5; do
    printf '.TH SOAK%s 1\n.SH NAME\nsoak%s \\- the page number %s\n.SH TEXT\nwords\n' $i $i $i >man/man1/soak$i.1
done
printf 'MANDATORY_MANPATH %s\nMANDB_MAP %s %s\n' "$PWD/man" "$PWD/man" "$PWD/cache" >conf
mkdir cache
mandb -q -c -C "$PWD/conf" "$PWD/man" 2>&1
whatis -C "$PWD/conf" -M "$PWD/man" soak3 2>&1
apropos -C "$PWD/conf" -M "$PWD/man" number 2>&1 | sort
man -C "$PWD/conf" -M "$PWD/man" -P cat soak2 2>&1 | sed -n 4p
rm man/man1/soak5.1
mandb -q -C "$PWD/conf" "$PWD/man" 2>&1
whatis -C "$PWD/conf" -M "$PWD/man" soak5 2>&1
flock lock true
