"""Searches settings of texts by trials of equal time, and prints what was found beside what charlm itself chooses.

    python benchmarks/tuning.py tinyshakespeare.txt ptb.txt german.txt --trials 20 --trial-budget 10s --threads 1

Each text is searched by a process of its own; --folder keeps the runs. Other options are those of charlm tune.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from machine import describe_machine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts", type=Path, nargs="+")
    parser.add_argument("--folder", type=Path)
    arguments, more = parser.parse_known_args()
    print(describe_machine())
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for text in arguments.texts:
            command = [sys.executable, "-m", "charlm", "tune", str(text.resolve()), "--json", "--quiet", *more]
            finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if finished.returncode:
                sys.exit(finished.stderr)
            print(f"\n{text.name}")
            print_found(json.loads(finished.stdout))


def print_found(found: dict[str, Any]) -> None:
    trials = {each["number"]: each for each in found["trials"]}
    states = [each["state"] for each in found["trials"]]
    print(f"{states.count('finished')} trials finished, {states.count('pruned')} given up")
    for row in sorted((each for each in found["trials"] if each["state"] == "finished"), key=lambda row: row["bits"])[
        :5
    ]:
        print(f"  trial {row['number']}: {row['bits']:.4f}  {json.dumps(row['settings'])}")
    print(f"  what charlm chooses: {trials[0]['bits']:.4f}  {json.dumps(trials[0]['settings'])}")
    for each in found["seeds"]:
        seeds = ", ".join(f"{bits:.4f}" for bits in each["bits"])
        print(f"  trial {each['number']} by seeds: {each['mean']:.4f}, spread {each['spread']:.4f} ({seeds})")
    print(f"  kept: trial {found['best']}, gain {found['gain']:.4f} bits/{found['unit']}", flush=True)


if __name__ == "__main__":
    main()
