# nginx: a master, two workers that take turns by a lock file, a reload, a quit.
cat >conf <<END
daemon on; master_process on; worker_processes 2; pid $PWD/pid; error_log $PWD/error.log; user $(id -un);
lock_file $PWD/accept.lock;
events { accept_mutex on; }
http { access_log off; client_body_temp_path $PWD/t1; proxy_temp_path $PWD/t2; fastcgi_temp_path $PWD/t3;
  uwsgi_temp_path $PWD/t4; scgi_temp_path $PWD/t5;
  server { listen unix:$PWD/s; root $PWD/www; } }
END
mkdir www
echo "hello from nginx" >www/index.html
get() { printf 'GET %s HTTP/1.0\r\n\r\n' "$1" | python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(sys.stdin.buffer.read())
text = b"".join(iter(lambda: s.recv(4096), b"")); print(text.split(b"\r\n")[0].decode(), text.split(b"\r\n\r\n")[1][:20])' "$PWD/s"; }
nginx -t -c "$PWD/conf" 2>&1 | sed "s|$PWD|.|g"
flock start.lock nginx -c "$PWD/conf"
echo "started: $?"
for i in 1 2 3 4 5; do get /; done
get /missing
master=$(cat pid)
nginx -c "$PWD/conf" -s reload 2>/dev/null
get /
nginx -c "$PWD/conf" -s quit 2>/dev/null
while kill -0 "$master" 2>/dev/null; do sleep 0.05; done
ls pid 2>&1 | sed "s|$PWD|.|g"
