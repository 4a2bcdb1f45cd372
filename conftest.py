"""For all tests, the notebooks included: ask the recorded kernel, as the stored outputs did, and not this machine's."""

import os

os.environ["HVLIB_OBSERVE"] = "recorded"
