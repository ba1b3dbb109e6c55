"""scrape.py DIRECTORY: what Prometheus's node_exporter makes of the .prom files of a directory: its answer to a scrape."""
import socket
import subprocess
import sys
import urllib.request

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
exporter = subprocess.Popen(
    ["prometheus-node-exporter", "--collector.disable-defaults", "--collector.textfile",
     f"--collector.textfile.directory={sys.argv[1]}", f"--web.listen-address=127.0.0.1:{port}"],
    stderr=subprocess.PIPE, text=True)
try:
    for line in exporter.stderr:  # until it says that it listens
        if "istening on" in line:
            break
    print(urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60).read().decode())
finally:
    exporter.terminate()
    exporter.wait()
