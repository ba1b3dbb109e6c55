"""read_tfevents.py DIRECTORY: reads its one TensorBoard event file without flockstat's or TensorFlow's code: crcmod checks
the CRCs, protoc decodes the messages. Prints one JSON object: the file's version, and for each scalar tag, step and value
in a list."""
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

import crcmod.predefined

PROTO = """syntax = "proto3";
message Value { string tag = 1; float simple_value = 2; }
message Summary { repeated Value value = 1; }
message Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; }
"""
crc32c = crcmod.predefined.mkCrcFun("crc-32c")


def check(data, masked):
    crc = crc32c(data)
    assert ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF == struct.unpack("<I", masked)[0], "wrong CRC"


def records(content):
    while content:
        check(content[:8], content[8:12])
        size = struct.unpack("<Q", content[:8])[0]
        data, content = content[12 : 12 + size], content[12 + size :]
        assert len(data) == size and len(content) >= 4, "cut off"
        check(data, content[:4])
        content = content[4:]
        yield data


def decode(data, directory):
    return subprocess.run(["protoc", f"-I{directory}", "--decode=Event", f"{directory}/e.proto"], input=data,
                          stdout=subprocess.PIPE, check=True).stdout.decode()


(file,) = pathlib.Path(sys.argv[1]).glob("events.out.tfevents.*")
result = {"version": "", "scalars": []}
with tempfile.TemporaryDirectory() as directory:
    pathlib.Path(directory, "e.proto").write_text(PROTO)
    for data in records(file.read_bytes()):
        text = decode(data, directory)
        assert re.search(r"^wall_time: [0-9.e+]+$", text, re.M), text
        assert not re.search(r"^\s*[0-9]+", text, re.M), "an unknown field: " + text
        version = re.search(r'^file_version: "(.*)"', text, re.M)
        result["version"] = version.group(1) if version else result["version"]
        step = re.search(r"^step: (\d+)", text, re.M)
        for tag, value in re.findall(r'tag: "(.*)"\n\s*simple_value: (\S+)', text):
            result["scalars"].append([tag, int(step.group(1)) if step else 0, float(value)])
print(json.dumps(result))
