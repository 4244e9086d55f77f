"""What a child may do to its supervisor; named by tests as tasks."""

import ctypes
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path


def answer(arguments, send):
    send({"ready": True})
    send({"outcome": {"state": "trained", "digest": arguments.get("digest", "0" * 64)}})


def hold_the_interpreter(arguments, send):
    """Never returns to Python, and holds the interpreter's lock meanwhile."""
    send({"ready": True})
    ctypes.PyDLL(None).pause()
    while True:  # pause ends with any signal
        ctypes.PyDLL(None).pause()


def burn(arguments, send):
    send({"ready": True})
    while True:
        pass


def start_another(arguments, send):
    """Leaves a process of its own behind."""
    send({"ready": True})
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    other = subprocess.Popen(command, start_new_session=arguments["new_session"])
    Path(arguments["pid_file"]).write_text(str(other.pid))
    time.sleep(600)


def never_ready(arguments, send):
    time.sleep(600)


def segfault(arguments, send):
    send({"ready": True})
    os.kill(os.getpid(), signal.SIGSEGV)


def vanish(arguments, send):
    send({"ready": True})
    os._exit(3)


def raise_an_error(arguments, send):
    send({"ready": True})
    raise RuntimeError("on purpose")


def talk_nonsense(arguments, send):
    send({"ready": True})
    send({"outcome": {"state": "splendid"}})
    time.sleep(600)


def eat_memory(arguments, send):
    send({"ready": True})
    eaten = []
    while True:
        eaten.append(bytearray(b"x" * (20 << 20)))
        time.sleep(0.01)


def ask_for_too_much(arguments, send):
    """One huge allocation that the kernel refuses."""
    from eventsieve.training import worker

    def train(_):
        return bytearray(1 << 50)

    worker._train = train
    worker.train(arguments, send)


def ignore_signals(arguments, send):
    send({"ready": True})
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(1)


def be_killed(arguments, send):
    send({"ready": True})
    os.kill(os.getpid(), signal.SIGKILL)


def say_no_json(arguments, send):
    """Writes past the protocol, straight into the connection."""
    send({"ready": True})
    connection = send.__closure__[0].cell_contents
    connection.send_bytes(b"\xff not json")
    time.sleep(600)


def stop_in_the_middle(arguments, send):
    """Announces a message of 1,000 bytes and sends one of them."""
    send({"ready": True})
    os.write(send.__closure__[0].cell_contents.fileno(), struct.pack("!i", 1000) + b"{")
    time.sleep(600)


def boast(arguments, send):
    """Announces a message that no memory would hold."""
    send({"ready": True})
    os.write(send.__closure__[0].cell_contents.fileno(), struct.pack("!i", 2**31 - 1))
    time.sleep(600)


def hang_up(arguments, send):
    send({"ready": True})
    send.__closure__[0].cell_contents.close()
    time.sleep(600)


def answer_later(arguments, send):
    send({"ready": True})
    time.sleep(0.2)
    send({"outcome": {"state": "trained", "digest": "0" * 64}})
