#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The figures of a tunnel: speed, CPU time, latency and memory.

Starts ist-emulator and two ends of a tunnel through it, over TLS, all on this
machine, and measures one after the other. Prints figures; judges nothing.

    bench.py EMULATOR ENDPOINT [--bytes N] [--json]
"""

import argparse
import json
import os
import statistics
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


class Process:
    """A child with its CPU time and memory."""

    def __init__(self, name, arguments, env=None):
        self.name = name
        self.child = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                      bufsize=1, env={**os.environ, **(env or {})}, stderr=subprocess.DEVNULL)

    def command(self, line):
        self.child.stdin.write(line + "\n")

    def answer(self, expected):
        line = self.child.stdout.readline()
        if not line.startswith(expected):
            raise SystemExit(f"{self.name}: expected {expected!r}, got {line[:80]!r}")
        return line

    def cpu(self):
        with open(f"/proc/{self.child.pid}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self, key):
        with open(f"/proc/{self.child.pid}/status") as f:
            for line in f:
                if line.startswith(key):
                    return int(line.split()[1]) / 1024
        raise KeyError(key)

    def end(self):
        self.child.stdin.close()
        self.child.terminate()
        self.child.wait()


def transfer(sender, receiver, processes, count, size):
    before = [p.cpu() for p in processes]
    receiver.command(f"expect {count * size}")
    start = time.monotonic()
    sender.command(f"send {count} {size}")
    receiver.answer("expect")
    seconds = time.monotonic() - start
    sender.answer("send")
    cpu = [p.cpu() - b for p, b in zip(processes, before)]
    return seconds, cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("emulator")
    parser.add_argument("endpoint")
    parser.add_argument("--bytes", type=int, default=1_000_000_000, help="size of one transfer")
    parser.add_argument("--repeat", type=int, default=3, help="transfers each way; the median counts")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    args = parser.parse_args()

    emulator = Process("emulator", [args.emulator, "--open", "BENCH"])
    info = json.loads(emulator.child.stdout.readline())
    tunnel = info["tunnels"][0]
    ends = {}
    for mode in ("destination", "source"):
        ends[mode] = Process(mode, [args.endpoint], {
            "ISTBENCH_MODE": mode, "ISTBENCH_ENDPOINT": info["endpoint"], "ISTBENCH_CA": info["caFile"],
            "ISTBENCH_TOKEN": tunnel[mode + "AccessToken"]})
        ends[mode].answer("connected")
    source, destination = ends["source"], ends["destination"]
    processes = [source, emulator, destination]
    figures = {"idle RSS MiB": {p.name: round(p.memory("VmRSS"), 1) for p in processes}}

    count = args.bytes // 15_000
    for label, sender, receiver in (("to the destination", source, destination),
                                    ("to the source", destination, source)):
        runs = [transfer(sender, receiver, processes, count, 15_000) for _ in range(args.repeat)]
        gigabytes = count * 15_000 / 1e9
        figures[f"15,000-byte messages {label}"] = {
            "MB/s": round(statistics.median(gigabytes * 1000 / r[0] for r in runs)),
            "CPU s/GB": {p.name: round(statistics.median(r[1][i] for r in runs) / gigabytes, 2)
                         for i, p in enumerate(processes)}}

    small = 1_000_000
    runs = [transfer(source, destination, processes, small, 64) for _ in range(args.repeat)]
    figures["64-byte messages"] = {"per second": round(statistics.median(small / r[0] for r in runs))}

    destination.command("echo")
    destination.answer("echo")
    source.command("ping 5000")
    trips = sorted(int(t) / 1000 for t in source.answer("ping").split()[1:])
    figures["1-byte round trip us"] = {"p50": round(trips[len(trips) // 2]), "p99": round(trips[len(trips) * 99 // 100])}
    figures["peak RSS MiB"] = {p.name: round(p.memory("VmHWM"), 1) for p in processes}

    for process in processes:
        process.end()
    if args.json:
        print(json.dumps(figures))
        return
    for name, values in figures.items():
        print(f"{name}: {json.dumps(values)}")


if __name__ == "__main__":
    main()
