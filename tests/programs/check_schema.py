"""check_schema.py SCHEMA: checks the JSON on stdin, an object a line, against a schema with Python's jsonschema, and the
schema against its own; prints a line for each place that does not fit: line, place, and what is wrong with it."""
import json
import sys

import jsonschema

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
for number, line in enumerate(sys.stdin, 1):
    for error in validator.iter_errors(json.loads(line)):
        print(f"{number}: {error.json_path}: {error.message[:500]}")
