# dpkg: builds, installs, configures, diverts and removes a package, in a root of its own.
# quick
mkdir -p root/var/lib/dpkg/info root/var/lib/dpkg/updates pkg/DEBIAN pkg/usr/share/soak
touch root/var/lib/dpkg/status root/var/lib/dpkg/available
printf 'Package: hello-soak\nVersion: 1.0\nArchitecture: all\nMaintainer: Nobody <n@example.org>\nDescription: a test\n' >pkg/DEBIAN/control
echo text >pkg/usr/share/soak/file
dpkg-deb --root-owner-group -b pkg hello.deb
run="dpkg --root=$PWD/root --force-not-root --log=/dev/null"
$run -i hello.deb 2>&1
$run -l hello-soak | tail -n 1
$run -L hello-soak
$run --verify hello-soak
$run -r hello-soak 2>&1
$run -s hello-soak 2>&1 | grep Status
