#!/usr/bin/env python3
"""Writes files as C arrays, so that the program carries its data: embed.py OUTPUT NAME FILE..."""
import os
import sys

output, name, files = sys.argv[1], sys.argv[2], sorted(sys.argv[3:])
with open(output, "w", encoding="ascii") as out:
    out.write('#include "base/embedded.h"\n\n')
    for index, path in enumerate(files):
        with open(path, "rb") as source:
            data = source.read()
        out.write(f"static const unsigned char data_{index}[] = {{\n")
        for start in range(0, len(data), 20):
            out.write(",".join(str(byte) for byte in data[start:start + 20]) + ",\n")
        out.write("0};\n")
    out.write(f"const struct embedded {name}[] = {{\n")
    for index, path in enumerate(files):
        base = os.path.basename(path)
        out.write(f'    {{"{base}", (const char *)data_{index}, sizeof data_{index} - 1}},\n')
    out.write("    {0, 0, 0}};\n")
