"""Runs a program in a pseudo-terminal: python3 pseudo-terminal.py ROWS COLUMNS PROGRAM [ARGUMENT ...]

What the program writes goes to standard output. Standard input takes lines: "size ROWS COLUMNS" and "type HEX".
Ends with the program, and with its exit code.
"""

import fcntl
import os
import pty
import select
import struct
import sys
import termios

rows, columns, *argv = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(columns), 0, 0))
    os.execv(argv[0], argv)

sources = [terminal, 0]
pending = b""
while True:
    ready, _, _ = select.select(sources, [], [])
    if terminal in ready:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        os.write(1, data)
    if 0 in ready:
        data = os.read(0, 65536)
        if not data:
            sources.remove(0)
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            command, *values = line.decode().split()
            if command == "size":
                size = struct.pack("HHHH", int(values[0]), int(values[1]), 0, 0)
                fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)
            elif command == "type":
                os.write(terminal, bytes.fromhex(values[0]))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
