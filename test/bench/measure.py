"""measure.py RESULT PROGRAM [ARGUMENT...]: what only the parent of a process is told, by wait4. Node has no wait4."""

import json
import os
import sys
import time

result, command = sys.argv[1], sys.argv[2:]
started = time.monotonic()
pid = os.posix_spawn(command[0], command, os.environ)
# It has ended and is not forgotten yet: what it read can still be asked for.
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
seconds = time.monotonic() - started
try:
    with open(f"/proc/{pid}/io") as file:
        read = dict(line.split(": ") for line in file.read().splitlines())["rchar"]
except OSError:
    read = 0
_, status, usage = os.wait4(pid, 0)
with open(result, "w") as file:
    json.dump(
        {
            "exitCode": os.waitstatus_to_exitcode(status),
            "seconds": seconds,
            # Of the process and of all its descendants that it waited for.
            "cpuSeconds": usage.ru_utime + usage.ru_stime,
            # Linux counts kibibytes.
            "peakMemory": usage.ru_maxrss * 1024,
            # Of the process alone: files, and sockets as far as it reads them with read().
            "readBytes": int(read),
        },
        file,
    )
