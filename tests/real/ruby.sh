# Ruby: File#flock, fork, threads, PStore.
cat >program.rb <<'END'
require "pstore"
$stdout.sync = true
File.open("l", "w") do |f|
  p f.flock(File::LOCK_EX)
  pid = fork { File.open("l") { |g| p g.flock(File::LOCK_EX | File::LOCK_NB) }; exit! 3 }
  Process.wait(pid)
  p $?.exitstatus
  p f.flock(File::LOCK_UN)
end
store = PStore.new("store")
4.times.map { |n| fork { 5.times { PStore.new("store").transaction { |s| s[:n] = (s[:n] || 0) + 1 } } } }.each { |c| Process.wait c }
store.transaction(true) { p store[:n] }
threads = 3.times.map { Thread.new { 50.times.sum { File.open("l") { |f| f.flock(File::LOCK_SH) } } } }
p threads.map(&:value)
puts `echo shell`
exit 5
END
ruby program.rb
echo "status $?"
