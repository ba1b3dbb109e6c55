# awkward_names.py DIR [COUNT [NAME]]: locks files in DIR whose names are hard to write down, the first COUNT of
# them, each also by a child that has to wait; NAME is that of the function and file that does so. Prints the
# names in hexadecimal, a line each.
import fcntl
import os
import sys
import types

NAMES = [
    b"\x1b[2J\x1b]0;title\x07escape",
    b"line\nbreak\r\ttab",
    b'quote"apostrophe\'back\\slash',
    b"<script>alert(1)<!--",
    b"invalid \xff\xc3\xed\xa0\x80 utf-8",
    b"=1+1,comma;semicolon",
    "right\u202eleft \u2028 \u4e2d\u6587".encode(),
    b"\x01\x7f\xc2\x85controls",
    b"n" * 255,
]


def lock_in_turns(path):
    """The child asks while this process holds the lock, which it lets go once the child was refused."""
    refused, tell = os.pipe()
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)
    child = os.fork()
    if child == 0:
        own = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.write(tell, b"x")
        fcntl.flock(own, fcntl.LOCK_EX)
        os._exit(0)
    os.read(refused, 1)
    fcntl.flock(fd, fcntl.LOCK_UN)
    os.waitpid(child, 0)
    for each in (fd, refused, tell):
        os.close(each)


directory = os.fsencode(sys.argv[1])
count = int(sys.argv[2]) if len(sys.argv) > 2 else len(NAMES)
name = sys.argv[3] if len(sys.argv) > 3 else "lock_in_turns"
code = lock_in_turns.__code__.replace(co_name=name, co_qualname=name, co_filename=name)
for name in NAMES[:count]:
    types.FunctionType(code, globals())(os.path.join(directory, name))
    print(name.hex())
