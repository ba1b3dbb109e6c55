"""read_csv.py: reads comma-separated values on stdin with Python's csv module, in its strict mode; prints each row,
by the names in the first line, as a JSON object."""
import csv
import io
import json
import sys

rows = csv.DictReader(io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="strict", newline=""), strict=True)
for row in rows:
    if None in row or None in row.values():
        sys.exit(f"row {rows.line_num} has not as many cells as the heading")
    print(json.dumps(row))
