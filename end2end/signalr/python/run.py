"""Runs the tests beside this file: `python run.py [PART OF A NAME]`, with the packages of requirements.txt.

cargo build -p signalr --example interop
INTEROP=$PWD/target/debug/examples/interop python end2end/signalr/python/run.py

unittest itself, but its report goes to standard output, where the chores count it, and finding no
test of a name is no failure.
"""

import logging
import pathlib
import sys
import unittest

if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # the clients log what the tests provoke
    loader = unittest.TestLoader()
    if len(sys.argv) > 1:
        loader.testNamePatterns = [f"*{sys.argv[1]}*"]
    suite = loader.discover(str(pathlib.Path(__file__).parent))
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    sys.exit(not result.wasSuccessful())
