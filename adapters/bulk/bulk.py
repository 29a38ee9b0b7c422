"""Many documents into a server: chunks, several requests at once, patience with a busy cluster."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace

from ..errors import EngineBusy, EngineUnavailable
from ..server.backoff import delays
from ..server.cluster import Answer
from ..server.patience import PATIENCE_SECONDS
from .answer import TOO_LARGE, Outcome, read
from .chunks import Action, Chunk, ChunkLimits, Subject, chunks
from .concurrency import Concurrency

LOST = 503  # what a lost connection counts as
MOST_REQUESTS = 4

Flying = dict[Future[list[Outcome[Subject]]], set[str]]


class Bulk:
    """Sends actions by `send`, which posts the lines of a bulk request.

    What is learned about a server (how many requests at once, how large) is kept from run to run,
    so make one for each engine; `run` itself is for one thread at a time.

    * A request or single actions answered by 429, 502, 503 or 504, and a lost connection, are sent
      again after a growing, jittered wait, or after what `Retry-After` asks for; the number of
      requests at once is halved. After `patience` seconds in which nothing of a request was
      accepted EngineUnavailable is raised with the server's last words.
    * A request that is too large (413) is halved, and so are later ones; a single action that is
      too large is an outcome.
    * An action may reach the server twice, when its first answer was lost: only send what may be
      done twice (an index or delete action, or an update with `if_seq_no`).
    * Two actions on one document are never under way together: they are applied in order. That
      costs a request each, so leave out what a later action of a batch replaces.

    `hold` is asked before each request and gives the seconds to wait first: 0 while the cluster is
    not under pressure.
    """

    def __init__(
        self,
        send: Callable[[bytes], Answer],
        *,
        limits: ChunkLimits | None = None,
        most_requests: int = MOST_REQUESTS,
        patience: float = PATIENCE_SECONDS,
        hold: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._send = send
        self._limits = limits or ChunkLimits()
        self._most = most_requests
        self._patience = patience
        self._hold = hold
        self._concurrency = Concurrency(most_requests)
        self._chance = random.Random()

    def run(self, actions: Iterable[Action[Subject]]) -> Generator[Outcome[Subject], None, None]:
        """The outcome of each action, in the order in which they are settled.

        Reads the actions as they can be sent, so at most `most_requests` + 1 requests of them are
        in memory. Closing the iterator, or an error of `actions`, waits for the requests under way
        and sends nothing more.

        Raises EngineUnavailable, and the EngineError of a request that is refused as a whole.
        """
        flying: Flying[Subject] = {}
        stop = threading.Event()
        with ThreadPoolExecutor(self._most, thread_name_prefix="bulk") as pool:
            try:
                for chunk in chunks(actions, lambda: self._limits):
                    while self._must_wait(chunk, flying):
                        yield from _landed(flying)
                    self._wait_for_calm()
                    future = pool.submit(self._deliver, chunk, stop)
                    flying[future] = {action.id for action in chunk}
                while flying:
                    yield from _landed(flying)
            finally:
                stop.set()

    def _must_wait(self, chunk: Chunk[Subject], flying: Flying[Subject]) -> bool:
        if len(flying) >= self._concurrency.limit:
            return True
        return any(action.id in ids for ids in flying.values() for action in chunk)

    def _wait_for_calm(self) -> None:
        while seconds := self._hold():
            self._concurrency.overloaded()
            time.sleep(seconds)

    def _deliver(self, chunk: Chunk[Subject], stop: threading.Event) -> list[Outcome[Subject]]:
        """Sends until every action is settled, or until `stop` is set."""
        settled: list[Outcome[Subject]] = []
        waits = delays(chance=self._chance)
        deadline = time.monotonic() + self._patience
        while True:
            answer = self._ask(chunk)
            if answer.status == TOO_LARGE:
                return settled + self._deliver_smaller(chunk, stop)
            reading = read(chunk, answer)
            settled += reading.settled
            if not reading.again:
                self._concurrency.succeeded()
                return settled
            self._concurrency.overloaded()
            if reading.settled:
                deadline = time.monotonic() + self._patience
            chunk = reading.again
            seconds = max(next(waits), answer.retry_after or 0)
            if time.monotonic() + seconds > deadline:
                raise self._gave_up(len(chunk), reading.reason)
            if stop.wait(seconds):
                return settled

    def _ask(self, chunk: Chunk[Subject]) -> Answer:
        """A lost connection is an answer, too: the server may be starting again."""
        try:
            return self._send(b"".join(action.lines for action in chunk))
        except EngineBusy as exc:
            return Answer(LOST, str(exc))

    def _deliver_smaller(
        self, chunk: Chunk[Subject], stop: threading.Event
    ) -> list[Outcome[Subject]]:
        size = sum(len(action.lines) for action in chunk)
        if len(chunk) == 1:
            reason = f"{size:,} bytes are more than the server takes in one request"
            return [Outcome(chunk[0], TOO_LARGE, reason)]
        self._limits = replace(self._limits, bytes=min(self._limits.bytes, size // 2))
        middle = len(chunk) // 2
        first = self._deliver(chunk[:middle], stop)
        return first if stop.is_set() else first + self._deliver(chunk[middle:], stop)

    def _gave_up(self, actions: int, reason: str) -> EngineUnavailable:
        return EngineUnavailable(
            f"{actions:,} documents were sent again and again for {self._patience:g} seconds and "
            f"none was accepted. The last answer was: {reason}"
        )


def _landed(flying: Flying[Subject]) -> Iterator[Outcome[Subject]]:
    """Waits for a request to be settled, and gives the outcomes of all that are."""
    landed, _ = wait(flying, return_when=FIRST_COMPLETED)
    for future in landed:
        del flying[future]
        yield from future.result()
