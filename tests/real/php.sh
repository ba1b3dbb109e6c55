# PHP: flock, sessions' and proc_open's children.
cat >program.php <<'END'
<?php
ob_start();
$f = fopen("l", "c+");
var_dump(flock($f, LOCK_EX));
$child = proc_open(["php", "-r", '$g = fopen("l", "c+"); var_dump(flock($g, LOCK_EX | LOCK_NB, $would)); var_dump($would); exit(3);'], [], $pipes);
var_dump(proc_close($child));
var_dump(flock($f, LOCK_UN));
for ($i = 0; $i < 100; ++$i)
    file_put_contents("log", "$i\n", FILE_APPEND | LOCK_EX);
var_dump(count(file("log")));
session_save_path(getcwd());
session_id("abc");
ini_set("session.use_cookies", "0");
session_cache_limiter("");
session_start();
$_SESSION["n"] = 7;
session_write_close();
echo file_get_contents("sess_abc"), "\n";
echo shell_exec("echo shell");
exit(4);
END
php program.php
echo "status $?"
