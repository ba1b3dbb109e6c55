# GnuPG: an agent, a key, signatures, and two that import at once.
export GNUPGHOME=$PWD/g
mkdir -m 700 g
flock lock gpg --batch --quiet --passphrase '' --quick-generate-key 'Some Body <s@example.org>' ed25519 sign never 2>/dev/null
gpg --batch --no-auto-check-trustdb --list-keys --with-colons | awk -F: '$1 == "uid" { print $10 } $1 == "pub" { print $4 }'
echo text >file
gpg --batch --quiet --detach-sign file
gpg --batch --no-auto-check-trustdb --verify file.sig file 2>&1 | grep -o 'Good signature from ".*"'
gpg --batch --quiet --armor --export >key.asc
mkdir -m 700 h
for i in 1 2 3; do GNUPGHOME=$PWD/h gpg --batch --quiet --import key.asc 2>/dev/null & done
wait
GNUPGHOME=$PWD/h gpg --batch --no-auto-check-trustdb --list-keys --with-colons | grep -c '^pub'
for home in g h; do # not before its agent is gone
    export GNUPGHOME=$PWD/$home
    agent=$(gpg-connect-agent --no-autostart 'getinfo pid' /bye 2>/dev/null | sed -n 's/^D //p')
    gpgconf --kill all
    while [ -n "$agent" ] && kill -0 "$agent" 2>/dev/null; do sleep 0.05; done
done
