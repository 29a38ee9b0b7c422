"""python -m tests.servers start | stop | status"""

from __future__ import annotations

import argparse
import sys

from .errors import Missing, ServerError
from .releases import KINDS, RELEASES, Release, release
from .server import Server
from .shared import Shared, all_shared, launch_shared, running, stop_shared


def main() -> None:
    options = _parser().parse_args()
    try:
        options.act(options)
    except (Missing, ServerError, ValueError) as error:
        sys.exit(f"error: {error}")


def start(options: argparse.Namespace) -> None:
    """start what is not running, and wait until it answers"""
    if options.port and not options.kind:
        raise ValueError("--port needs --kind: one port serves one server")
    wanted = [release(kind, options.version) for kind in options.kind or KINDS]
    launched = [_launch(entry, options) for entry in wanted]
    for server in launched:
        if server is not None:
            server.wait()
    status(options)


def _launch(entry: Release, options: argparse.Namespace) -> Server | None:
    if running(entry.kind, entry.version):
        return None
    return launch_shared(entry, port=options.port, heap=options.heap)


def stop(options: argparse.Namespace) -> None:
    """stop what is running and remove its data"""
    for server in _chosen(options):
        stop_shared(server)


def status(options: argparse.Namespace) -> None:
    """list what is running"""
    for server in _chosen(options):
        print(f"{server.title}\t{server.url}\t{server.folder}")


def _chosen(options: argparse.Namespace) -> list[Shared]:
    names = {
        entry.title
        for entry in RELEASES
        if entry.kind in (options.kind or KINDS) and options.version in (None, entry.version)
    }
    return [server for server in all_shared() if server.title in names]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.servers", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for act in (start, stop, status):
        command = commands.add_parser(act.__name__, help=act.__doc__)
        command.set_defaults(act=act)
        command.add_argument("--kind", action="append", choices=KINDS, help="default: both")
        command.add_argument("--version", help="default: the newest; the first of releases.py")
        if act is start:
            command.add_argument("--port", type=int, help="default: the release's own")
            command.add_argument("--heap", default="512m")
    return parser


main()
