#!/usr/bin/env python3
"""Times the real window from outside, on a virtual display: first frame, complete list, rest, memory, closing.

    benches/start.py [--program target/release/castellan] [--masternodes 4000] [--runs 5] [--idle 20]

Needs Xvfb and libX11. Another process of the same program serves a sandbox over HTTP; the measured one reaches it as it would reach
any node. The first frame is the moment the display's memory is no longer black; the complete list is when the program says so in its
log (CASTELLAN_LOG); processor time and memory are the kernel's (/proc).
"""

import argparse
import ctypes
import json
import mmap
import os
import random
import re
import statistics
import subprocess
import tempfile
import threading
import time

LISTED = "the list is on screen"
TICKS = os.sysconf("SC_CLK_TCK")
# Bytes before the first pixel of Xvfb's screen file are a header of an X window dump.
HEADER = 4096


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        display = Display(folder)
        server = Server(options, folder)
        try:
            runs = [Run(options, folder, display, server, number).measure() for number in range(options.runs)]
        finally:
            server.stop()
            display.stop()
    print(f"{options.masternodes} masternodes, {options.runs} runs, median (worst):")
    for name, unit in [("first frame", "ms"), ("complete list", "ms"), ("idle", "% of a core"), ("memory", "MB"), ("closing", "ms")]:
        values = [run[name] for run in runs if run[name] is not None]
        if values:
            print(f"  {name:14} {statistics.median(values):8.1f} ({max(values):.1f}) {unit}")
        else:
            print(f"  {name:14} not seen")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="target/release/castellan")
    parser.add_argument("--masternodes", type=int, default=4000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--idle", type=float, default=20, help="seconds at rest")
    parser.add_argument("--log", action="store_true", help="show what the program logs")
    return parser.parse_args()


class Display:
    """An X server whose screen is a file that can be looked at."""

    def __init__(self, folder):
        self.name = f":{90 + random.randrange(900)}"
        command = ["Xvfb", self.name, "-screen", "0", "1400x900x24", "-nolisten", "tcp", "-fbdir", folder]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        path = os.path.join(folder, "Xvfb_screen0")
        until(lambda: os.path.exists(f"/tmp/.X11-unix/X{self.name[1:]}") and os.path.exists(path), "the display")
        time.sleep(0.3)
        file = open(path, "rb")
        self.pixels = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)

    def is_drawn(self):
        """Some pixel of a few lines is not black."""
        width = 1400 * 4
        return any(any(self.pixels[HEADER + line * width : HEADER + line * width + 400]) for line in range(20, 200, 40))

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Server:
    """A sandbox in a process of its own."""

    def __init__(self, options, folder):
        command = [options.program, "sandbox", "--masternodes", str(options.masternodes), "--block-seconds", "150"]
        command += ["--data-dir", os.path.join(folder, "server"), "--json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        text = ""
        for line in self.process.stdout:
            text += line
            try:
                said = json.loads(text)
                break
            except ValueError:
                continue
        else:
            raise SystemExit(f"the sandbox did not start: {text}")
        self.url = find(said, r"^http://")
        self.network = said.get("network", "dash-regtest")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def find(said, pattern):
    """The first text in a document that matches."""
    if isinstance(said, str):
        return said if re.search(pattern, said) else None
    parts = said.values() if isinstance(said, dict) else said if isinstance(said, list) else []
    return next((found for part in parts if (found := find(part, pattern))), None)


class Run:
    """One life of the window."""

    def __init__(self, options, folder, display, server, number):
        self.options, self.display = options, display
        data = os.path.join(folder, f"run-{number}")
        user = ["--rpc-user", "sandbox", "--rpc-password", "sandbox"]
        self.command = [options.program, "--network", server.network, "--node", server.url, *user, "--data-dir", data]
        self.environment = {**os.environ, "DISPLAY": display.name, "ICED_BACKEND": "tiny-skia", "CASTELLAN_LOG": "castellan=debug"}
        self.environment.pop("WAYLAND_DISPLAY", None)
        self.listed = None

    def measure(self):
        until(lambda: not self.display.is_drawn(), "an empty display")
        self.start = time.monotonic()
        self.process = subprocess.Popen(self.command, env=self.environment, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()
        until(self.display.is_drawn, "the first frame", pause=0.001)
        frame = time.monotonic() - self.start
        until(lambda: self.listed is not None, "the list", pause=0.002, fatal=False)
        time.sleep(3)
        before, begin = self.processor(), time.monotonic()
        time.sleep(self.options.idle)
        idle = (self.processor() - before) / (time.monotonic() - begin)
        memory = self.memory()
        begin = time.monotonic()
        close(self.display.name)
        self.process.wait(10)
        return {
            "first frame": frame * 1000,
            "complete list": None if self.listed is None else (self.listed - self.start) * 1000,
            "idle": idle * 100,
            "memory": memory,
            "closing": (time.monotonic() - begin) * 1000,
        }

    def read(self):
        for line in self.process.stderr:
            now = time.monotonic()
            if LISTED in line and self.listed is None:
                self.listed = now
            if self.options.log:
                print(f"{(now - self.start) * 1000:8.1f} ms  {line}", end="")

    def processor(self):
        """Seconds of processor time."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self):
        """Resident megabytes."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) / 1024


def close(display):
    """Asks the window to close, as a window manager does."""

    class ClientMessage(ctypes.Structure):
        _fields_ = [
            ("type", ctypes.c_int),
            ("serial", ctypes.c_ulong),
            ("send_event", ctypes.c_int),
            ("display", ctypes.c_void_p),
            ("window", ctypes.c_ulong),
            ("message_type", ctypes.c_ulong),
            ("format", ctypes.c_int),
            ("data", ctypes.c_long * 5),
            ("pad", ctypes.c_long * 12),
        ]

    x = ctypes.CDLL("libX11.so.6")
    x.XOpenDisplay.restype = ctypes.c_void_p
    x.XInternAtom.restype = ctypes.c_ulong
    x.XDefaultRootWindow.restype = ctypes.c_ulong
    connection = ctypes.c_void_p(x.XOpenDisplay(display.encode()))
    protocols = x.XInternAtom(connection, b"WM_PROTOCOLS", 0)
    delete = x.XInternAtom(connection, b"WM_DELETE_WINDOW", 0)
    root, parent, children, count = ctypes.c_ulong(), ctypes.c_ulong(), ctypes.POINTER(ctypes.c_ulong)(), ctypes.c_uint()
    window = ctypes.c_ulong(x.XDefaultRootWindow(connection))
    pointers = [ctypes.byref(each) for each in (root, parent, children, count)]
    x.XQueryTree(connection, window, *pointers)
    for child in children[: count.value]:
        event = ClientMessage(33, 0, 1, None, child, protocols, 32, (ctypes.c_long * 5)(delete, 0, 0, 0, 0))
        x.XSendEvent(connection, ctypes.c_ulong(child), 0, ctypes.c_long(0), ctypes.byref(event))
    x.XFlush(connection)
    x.XCloseDisplay(connection)


def until(holds, what, pause=0.02, seconds=60, fatal=True):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            if fatal:
                raise SystemExit(f"waited {seconds} s for {what}")
            return
        time.sleep(pause)


if __name__ == "__main__":
    main()
