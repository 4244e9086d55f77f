"""What a child may do to its supervisor; named by tests as tasks."""

import ctypes
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

from eventsieve.records import Outcome, Progress, State


def answer(arguments, channel):
    channel.ready()
    channel.send({"outcome": {"state": "trained", "digest": arguments.get("digest", "0" * 64)}})


def hold_the_interpreter(arguments, channel):
    """Never returns to Python, and holds the interpreter's lock meanwhile."""
    channel.ready()
    ctypes.PyDLL(None).pause()
    while True:  # pause ends with any signal
        ctypes.PyDLL(None).pause()


def burn(arguments, channel):
    channel.ready()
    while True:
        pass


def start_another(arguments, channel):
    """Leaves a process of its own behind."""
    channel.ready()
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    other = subprocess.Popen(command, start_new_session=arguments["new_session"])
    Path(arguments["pid_file"]).write_text(str(other.pid))
    time.sleep(600)


def never_ready(arguments, channel):
    time.sleep(600)


def segfault(arguments, channel):
    channel.ready()
    os.kill(os.getpid(), signal.SIGSEGV)


def vanish(arguments, channel):
    channel.ready()
    os._exit(3)


def raise_an_error(arguments, channel):
    channel.ready()
    raise RuntimeError("on purpose")


def talk_nonsense(arguments, channel):
    channel.ready()
    channel.send({"outcome": {"state": "splendid"}})
    time.sleep(600)


def eat_memory(arguments, channel):
    channel.ready()
    eaten = []
    while True:
        eaten.append(bytearray(b"x" * (20 << 20)))
        time.sleep(0.01)


def ask_for_too_much(arguments, channel):
    """One huge allocation that the kernel refuses."""
    from eventsieve.training import worker

    def train(*_):
        return bytearray(1 << 50)

    worker._train = train
    worker.train(arguments, channel)


def ignore_signals(arguments, channel):
    channel.ready()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(1)


def be_killed(arguments, channel):
    channel.ready()
    os.kill(os.getpid(), signal.SIGKILL)


def say_no_json(arguments, channel):
    """Writes past the protocol, straight into the connection."""
    channel.ready()
    channel._connection.send_bytes(b"\xff not json")
    time.sleep(600)


def stop_in_the_middle(arguments, channel):
    """Announces a message of 1,000 bytes and sends one of them."""
    channel.ready()
    os.write(channel._connection.fileno(), struct.pack("!i", 1000) + b"{")
    time.sleep(600)


def boast(arguments, channel):
    """Announces a message that no memory would hold."""
    channel.ready()
    os.write(channel._connection.fileno(), struct.pack("!i", 2**31 - 1))
    time.sleep(600)


def hang_up(arguments, channel):
    channel.ready()
    channel._connection.close()
    time.sleep(600)


def answer_later(arguments, channel):
    channel.ready()
    time.sleep(0.2)
    channel.send({"outcome": {"state": "trained", "digest": "0" * 64}})


def stop_when_asked(arguments, channel):
    """As a training should: tells how far it is, and keeps what it has when it is asked to."""
    channel.ready()
    done = 0
    while not channel.stop_asked():
        done += 1
        channel.progress(Progress(stage="fitting", done=done, total=1_000_000, unit="steps"))
        time.sleep(0.001)
    channel.answer(Outcome(state=State.TRAINED, digest="0" * 64, kept_early=True, remarks=(f"{done} steps",)))


def tell_stages(arguments, channel):
    channel.ready()
    for stage in ("fitting", "storing", "evaluating"):
        for step in range(1000):
            channel.progress(Progress(stage=stage, done=step))
    time.sleep(0.3)
    channel.answer(Outcome(state=State.TRAINED, digest="0" * 64))


def flood(arguments, channel):
    """Never stops to tell how far it is, and reads nothing."""
    channel.ready()
    while True:
        channel.send({"progress": {"stage": "flooding"}})


def tell_nonsense(arguments, channel):
    channel.ready()
    channel.send({"progress": {"done": "most of it"}})
    time.sleep(600)


def excuse_itself(arguments, channel):
    channel.ready(if_late="It never finishes anything.")
    time.sleep(600)
