// node_lock.js ADDON FILE: locks the file, some thousand times, by way of two functions that become machine code.
'use strict';
const fs = require('fs');
const addon = { exports: {} };
process.dlopen(addon, process.argv[2]);
const file = fs.openSync(process.argv[3], 'w');

function takeTheLock(descriptor) {
    addon.exports.lock(descriptor);
    return descriptor + 1;
}

function workWithLocks(times) {
    let sum = 0;
    for (let i = 0; i < times; ++i)
        sum += takeTheLock(file);
    return sum;
}

for (let i = 0; i < 200; ++i)
    workWithLocks(50);
