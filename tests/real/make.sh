# GNU make: parallel jobs whose output it puts in order with a lock.
# quick
cat >Makefile <<'END'
all: $(foreach n,1 2 3 4 5 6 7 8,target$(n))
target%: ; @echo begin $*; echo end $*; touch $@
broken: ; @false
-include generated
generated: ; @echo 'x := 1' >$@
END
make -j4 --output-sync=target | sort
make -j4 -Oline
make -k broken 2>&1
echo "status $?"
