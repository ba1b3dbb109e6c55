# apt-get: an update of a repository of one's own, and what it knows afterwards.
# quick
mkdir -p repo state/lists/partial cache/archives/partial etc pkg/DEBIAN
printf 'Package: hello-soak\nVersion: 1.0\nArchitecture: all\nMaintainer: Nobody <n@example.org>\nDescription: a test\n' >pkg/DEBIAN/control
SOURCE_DATE_EPOCH=1577836800 dpkg-deb --root-owner-group -b pkg repo/hello-soak_1.0_all.deb | sed "s|$PWD|.|"
(cd repo && { cat ../pkg/DEBIAN/control; printf 'Filename: ./hello-soak_1.0_all.deb\nSize: %s\nSHA256: %s\n\n' \
    "$(stat -c %s hello-soak_1.0_all.deb)" "$(sha256sum <hello-soak_1.0_all.deb | cut -d' ' -f1)"; } >Packages)
echo "deb [trusted=yes] file:$PWD/repo ./" >sources
touch status
own="-o Dir::State=$PWD/state -o Dir::State::status=$PWD/status -o Dir::Cache=$PWD/cache -o Dir::Etc::sourcelist=$PWD/sources
    -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::trustedparts=/dev/null -o APT::Sandbox::User=root -o Dir::Log=$PWD/log"
apt-get $own update -q 2>&1 | grep -v -e '^Get' -e '^Fetched' -e '^Ign' -e '^Hit' | sed "s|$PWD|.|g"
apt-cache $own policy hello-soak | sed "s|$PWD|.|g"
apt-get $own -s install hello-soak 2>&1 | grep -a '^Inst'
apt-get $own download hello-soak 2>&1 | grep -a '^E'
apt-get $own clean
ls cache/archives
