"""The fault suite, on real processes.

    tests/chaos/run.py [--short | --minutes M] [--seed N] [--only TEXT] [PART…]

Parts: failpoints; pairs (of nodes that die of two failpoints at once); disk_errors (every nth open, write, fsync … of
one node fails); full_disk (small file systems that clients fill; needs the right to mount); history (concurrent
clients under kills and pauses, checked by history_checker.py); network (partitions and loss, each node in a network
namespace; needs the right to make those); power_cut (needs the right to mount); clocks (the calendar is wrong);
bit_rot; redundancy (its figures after a kill and a wiped disk); resume (uploads whose nodes are killed); hangs (nodes
that stop for a while). All of them unless named, --short all but bit_rot, redundancy and pairs. `--minutes` is how long each part goes on at least.
The program of the part `failpoints` is built with
    cmake --preset release -B build/failpoints -DCHISME_FAILPOINTS=ON -DCHISME_PAGE=OFF -DBUILD_TESTING=OFF
    cmake --build build/failpoints --target chisme
and is used for all parts if it is there; CHISME names another one.
"""
import argparse
import os
import pathlib
import random
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("CHISME", str(ROOT / "build/failpoints/chisme"))
sys.path.insert(0, str(ROOT / "tests/end_to_end"))
import disk_errors  # noqa: E402  (the program is chosen first)
import bit_rot  # noqa: E402
import clocks  # noqa: E402
import failpoints  # noqa: E402
import full_disk  # noqa: E402
import hangs  # noqa: E402
import history  # noqa: E402
import network  # noqa: E402
import pairs  # noqa: E402
import power_cut  # noqa: E402
import redundancy  # noqa: E402
import resume  # noqa: E402

PARTS = {"failpoints": failpoints.run_all, "disk_errors": disk_errors.run_all,
         "history": history.run_all, "power_cut": power_cut.run_all, "clocks": clocks.run_all,
         "bit_rot": bit_rot.run_all, "redundancy": redundancy.run_all, "resume": resume.run_all,
         "network": network.run_all, "full_disk": full_disk.run_all,
         "pairs": pairs.run_all, "hangs": hangs.run_all}
NOT_SHORT = ("bit_rot", "redundancy", "pairs")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS])
    parser.add_argument("--short", action="store_true", help="some of it, in two minutes or so")
    parser.add_argument("--minutes", type=float, default=0, help="at least so long each part")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--only", default="", help="the trials whose name has this")
    options = parser.parse_args()
    print(f"seed {options.seed}")
    failures = []
    for name in options.parts or [part for part in PARTS if not (options.short and part in NOT_SHORT)]:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="chisme-chaos-") as directory:
            found = PARTS[name](options.minutes, options.short, options.seed, options.only, pathlib.Path(directory))
        failures += [f"{name}: {sentence}" for sentence in found]
        print(f"{name}: {time.monotonic() - began:.0f} s")
    print("\n".join(failures) or "nothing was found")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
