"""embed.py OUTPUT NAME=FILE...: files as arrays of bytes in a C source, to be linked in."""
import sys

with open(sys.argv[1], 'w', encoding='ascii') as out:
    out.write('#include "embedded.h"\n')
    for argument in sys.argv[2:]:
        name, path = argument.split('=', 1)
        with open(path, 'rb') as file:
            data = file.read()
        out.write(f'\nconst char {name}[] = {{\n')
        for i in range(0, len(data), 24):
            out.write(''.join(f'{b if b < 128 else b - 256},' for b in data[i:i + 24]) + '\n')
        out.write('0};\n')
