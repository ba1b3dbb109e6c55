# Tcl: pipelines and background processes, with a lock around.
cat >program.tcl <<'END'
puts [exec flock l echo locked]
puts [catch {exec flock l flock -n l true} message]
set pipe [open "|flock l cat" r+]
puts $pipe "through a pipe"
flush $pipe
puts [gets $pipe]
close $pipe
exec sh -c {for n in 1 2 3; do flock l sh -c "echo $n >>numbers" & done; wait}
set file [open numbers]
puts [lsort [split [string trim [read $file]]]]
exit 2
END
tclsh program.tcl
echo "status $?"
