# Tcl: pipelines and background processes, with a lock around.
cat >program.tcl <<'END'
puts [exec flock l echo locked]
puts [catch {exec flock l flock -n l true} message]
set pipe [open "|flock l cat" r+]
puts $pipe "through a pipe"
flush $pipe
puts [gets $pipe]
close $pipe
foreach n {1 2 3} { exec flock l sh -c "echo $n >>numbers" & }
while {![file exists numbers] || [llength [split [string trim [read [set f [open numbers]]]]]] < 3} { after 10; if {[info exists f]} { close $f; unset f } }
puts [lsort [split [string trim [read [open numbers]]]]]
exit 2
END
tclsh program.tcl
echo "status $?"
