# Perl: flock through its own and through POSIX, pipes, forks, signals.
# quick
cat >program.pl <<'END'
use strict; use warnings;
use Fcntl qw(:flock :seek F_SETLK F_SETLKW F_WRLCK F_UNLCK);
$| = 1;
open(my $f, '+>', 'l') or die;
flock($f, LOCK_EX) or die;
my $pid = fork;
if (!$pid) {
    open(my $g, '+<', 'l') or die;
    print flock($g, LOCK_EX | LOCK_NB) ? "got it\n" : "refused: " . ($!{EWOULDBLOCK} ? 'EWOULDBLOCK' : $!) . "\n";
    exit 3;
}
waitpid($pid, 0);
print "child: ", $? >> 8, "\n";
flock($f, LOCK_UN);
for my $n (1 .. 4) {
    next if fork;
    open(my $own, '+<', 'l') or die;
    flock($own, LOCK_EX);
    open(my $out, '>>', 'numbers'); print $out "$n\n"; close $out;
    exit 0;
}
1 while wait != -1;
open(my $in, '<', 'numbers'); print sort <$in>;
local $SIG{ALRM} = sub { die "alarm\n" };
if (!($pid = fork)) { open(my $g, '<', 'l'); flock($g, LOCK_EX); open(my $t, '>', 'taken'); close $t; sleep 100; exit }
select(undef, undef, undef, 0.01) until -e 'taken';
eval { alarm 1; flock($f, LOCK_EX); alarm 0 };
print "interrupted by ", $@;
kill 'KILL', $pid; waitpid($pid, 0);
print "killed by ", $? & 127, "\n";
print `echo from a shell`, $? >> 8, "\n";
END
perl program.pl
