# two_filelocks.py A B: takes both file locks, one inside of the other, in one order and then in the other.
import sys

from filelock import FileLock


def a_then_b(a, b):
    with a:
        with b:
            pass


def b_then_a(a, b):
    with b:
        with a:
            pass


a_then_b(FileLock(sys.argv[1]), FileLock(sys.argv[2]))
b_then_a(FileLock(sys.argv[1]), FileLock(sys.argv[2]))
