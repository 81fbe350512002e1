"""Networks: the only torch code besides photosynth.train."""

import os

# torch's OpenMP threads spin while they wait for one another. With anything else running on the same cores, that
# made training four times slower (79 against 19 ms an image on two cores); waiting politely costs nothing on idle
# ones. It must be said before torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
