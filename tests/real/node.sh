# node.js: child processes, workers and many files, with a lock around.
# quick
cat >program.js <<'END'
const { execFileSync, spawnSync, fork } = require("child_process");
const { Worker, isMainThread, parentPort } = require("worker_threads");
const fs = require("fs");
if (process.argv[2] === "child") {
    process.on("message", (n) => { process.send(n * 2); process.disconnect(); });
} else if (!isMainThread) {
    parentPort.postMessage(fs.readFileSync("l").length);
} else {
    fs.writeFileSync("l", "twelve bytes");
    console.log(String(execFileSync("flock", ["l", "echo", "locked"])));
    console.log(spawnSync("flock", ["l", "flock", "-n", "l", "true"]).status);
    const child = fork(__filename, ["child"]);
    child.on("message", (n) => console.log("doubled", n));
    child.on("exit", (code) => {
        console.log("exit", code);
        new Worker(__filename).on("message", (n) => console.log("worker", n)).on("exit", () => process.exit(4));
    });
    child.send(21);
}
END
node program.js
echo "status $?"
