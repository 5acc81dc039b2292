"""One run: an agent answers one input, from `run_started` to `run_completed` or `run_failed`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal

from workbench.definition.agent import AgentDefinition, ModelSettings, Thinking
from workbench.engine.calls import ToolCalls
from workbench.engine.capture import NotCapturedError, lacks_thinking, sendable, without_thinkingblocks_of
from workbench.engine.conversation import Conversation, RequestLog
from workbench.engine.failures import Failure, failure_of, stopped, timed_out
from workbench.engine.limits import Spending
from workbench.engine.live import LiveRedactor
from workbench.engine.opened import RunWorkplace
from workbench.engine.order import Order
from workbench.engine.paid import paid_reply
from workbench.engine.permissions import Deadline, Permissions
from workbench.engine.playback import Playback, PlayedTurn, from_tape
from workbench.engine.recorder import Recorder, redacted
from workbench.engine.replies import record_reply
from workbench.engine.stops import Next, RunStoppedError, after, is_documented, text_of
from workbench.engine.world import LiveText, World
from workbench.jsontypes import JsonObject
from workbench.model.capabilities import default_max_tokens
from workbench.model.conversation import Delta, Reply, Request, Retry
from workbench.trace.events import (
    Captured,
    Costs,
    EventData,
    FailureState,
    ModelRequest,
    Notice,
    RunCompleted,
    RunFailed,
    RunStarted,
)

RunEnd = RunCompleted | RunFailed

_MILLISECOND = Decimal("0.001")


class Run:
    """A run in progress. `execute` does all of it; `cancel` may be called meanwhile from the same event loop."""

    def __init__(
        self, definition: AgentDefinition, order: Order, world: World, playback: Playback | None = None
    ) -> None:
        self._definition = definition
        self._order = order
        self._world = world
        self._input = world.redactor.text(order.input)
        self._captured = Captured(
            definition.observability.capture_tool_calls, definition.observability.capture_reasoning
        )
        self._record = Recorder(order.run_id, world.clock, world.redactor, world.record)
        self._playback = playback
        self._spending = Spending(
            order.run_id,
            definition.budget_usd,
            world.prices,
            world.fuse,
            world.clock,
            self._record.notice,
            order.spent_before,
        )
        self._permissions = Permissions(definition, world.ask, self._record, order.run_id)
        self._live = LiveRedactor(world.redactor, self._show_live)
        self._conversation = Conversation()
        self._requests = RequestLog(self._captured)
        self._workplace: RunWorkplace | None = None
        self._began = world.clock.now()
        self._living_since: float | None = None
        self._thoughtless_told = False
        self._work: asyncio.Task[RunEnd] | None = None
        self._cancel_reason: str | None = None
        self._cancellable = False

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._order.run_id

    def cancel(self, reason: str = "cancelled") -> None:
        """Stop the run; it ends in `run_failed` with `reason` (cancelled or interrupted) as the error.

        Before the run has begun it is stopped as soon as it does; after its end there is nothing to stop.
        """
        self._cancel_reason = reason
        if self._work is not None and self._cancellable:
            self._work.cancel()

    async def execute(self) -> RunEnd:
        """Run to the end. Every failure is recorded as `run_failed` and returned, none is raised.

        If the calling task is cancelled, the run is cancelled, recorded, and the cancellation goes on.
        """
        self._record(self._started())
        self._work = asyncio.create_task(self._to_the_end())
        try:
            return await asyncio.shield(self._work)
        except asyncio.CancelledError:
            if self._work.done() and not self._work.cancelled():
                return self._work.result()
            self.cancel(self._cancel_reason or "cancelled")
            await asyncio.wait([self._work])
            raise

    async def _to_the_end(self) -> RunEnd:
        try:
            self._cancellable = True
            if self._cancel_reason is not None:
                raise asyncio.CancelledError
            async with asyncio.timeout(self._definition.timeout) as deadline:
                self._permissions.deadline = Deadline(deadline)
                return await self._in_workplace()
        except asyncio.CancelledError:
            return self._failed(stopped(self._cancel_reason or "cancelled"))
        except TimeoutError as error:
            # another's timeout is no timeout of the run
            expired = deadline.expired()
            return self._failed(timed_out(self._definition.timeout) if expired else failure_of(error))
        except Exception as error:
            return self._failed(failure_of(error))

    async def _in_workplace(self) -> RunEnd:
        async with AsyncExitStack() as stack:
            self._workplace = RunWorkplace(
                self._world, self._definition, self._record, stack, self._order.first_snapshot, self._order.in_place
            )
            calls = ToolCalls(self._workplace, self._record, self._world.redactor, self._captured, self._permissions)
            if self._playback is None or self._order.tools_changed:
                self._begin_living()
                await self._workplace.open()
            else:
                self._tell(self._playback.tape.opening)
            try:
                reply, steps = await self._turns(calls)
            except BaseException:
                await self._workplace.stop_tools()
                raise
            finally:
                await self._workplace.end_egress()
            return self._completed(reply, steps)

    async def _turns(self, calls: ToolCalls) -> tuple[Reply, int]:
        self._conversation.user(_texts(self._input, self._said_after(0)))
        for step in range(1, self._definition.max_iterations + 1):
            self._record.step = step
            played = self._played_turn(step)
            if self._playback is None or played is None:
                reply = await self._ask_live()
            else:
                reply = self._tell_turn(step, self._playback, played)
            self._conversation.assistant(_bound_content(reply, played))
            following = after(reply)
            said = self._said_after(step)
            if following.next is Next.ANSWERED and said is None:
                return reply, step
            results = await self._results(step, calls, following.calls, played) if following.calls else []
            if results or said is not None:
                self._conversation.user([*results, *_texts(said)])
        raise RunStoppedError(
            "max_iterations",
            f"The model wanted to go on after {self._definition.max_iterations} turns. "
            "Raise max_iterations in agent.yaml, or make the task smaller.",
        )

    def _said_after(self, step: int) -> str | None:
        said = self._playback.after(step) if self._playback is not None else None
        return None if said is None else self._world.redactor.text(said)

    def _played_turn(self, step: int) -> PlayedTurn | None:
        if self._playback is None:
            return None
        return self._playback.turn(step, lambda: self._digest(self._request(self._offered_tools())))

    async def _results(
        self, step: int, calls: ToolCalls, asked: Sequence[JsonObject], played: PlayedTurn | None
    ) -> Sequence[JsonObject]:
        playback = self._playback
        if playback is None:
            return await calls.make(asked) or ()
        taped = playback.calls(step, asked, played)
        if None in taped.taped and taped.whole is None:
            self._begin_living()
        results = await calls.make(asked, taped)
        if results is None:
            raise playback.end(step)
        return results

    def _tell_turn(self, step: int, playback: Playback, played: PlayedTurn) -> Reply:
        """Tell a turn of the tape again; raises the tape's end where it has no reply."""
        if played.faithful:
            self._tell(played.turn.before_request)
        if played.turn.request is not None:
            self._record(self._request_again(played))
        self._tell(played.turn.before_reply)
        response = played.turn.reply
        if played.reply is None or response is None:
            raise playback.end(step)
        if played.reply.origin == "edited":
            record_reply(self._record, played.reply, self._captured, Decimal(0))
        else:
            self._record(replace(response, origin="tape", cost_usd=Decimal(0)))
            self._tell(played.turn.after_reply)
        return played.reply

    def _request_again(self, played: PlayedTurn) -> ModelRequest:
        taped = played.turn.request
        request = self._request(self._offered_tools())
        parameters = self._world.model.parameters(request)
        event = self._requests.describe(request, parameters, taped.digest if taped and played.faithful else "")
        if taped is not None and played.faithful:
            return replace(taped, origin="tape", worst_case_usd=None)
        asked = self._conversation.digest(request, parameters)
        return replace(event, digest=asked, origin="tape" if taped and taped.digest == asked else "edited")

    def _tell(self, events: Sequence[EventData]) -> None:
        for data in events:
            self._record(from_tape(data))

    def _offered_tools(self) -> Sequence[JsonObject]:
        """The tools that a request offers: those of the open workplace, else those that the parent was offered."""
        opened = self._workplace.opened if self._workplace is not None else None
        if opened is not None:
            return redacted(opened.toolbox.parameters, self._world.redactor)
        return (self._playback.tape.tools or ()) if self._playback is not None else ()

    def _request(self, tools: Sequence[JsonObject], settings: ModelSettings | None = None) -> Request:
        settings = settings or self._definition.model
        return Request(
            settings=settings,
            max_tokens=settings.max_tokens or default_max_tokens(settings.id, thinking=settings.thinking),
            system=[{"type": "text", "text": self._definition.system_prompt}],
            messages=list(self._conversation.messages),
            tools=tools,
        )

    def _digest(self, request: Request) -> str:
        return self._conversation.digest(request, self._world.model.parameters(request))

    async def _ask_live(self) -> Reply:
        if self._playback is not None:
            self._playback.part()
            self._begin_living()
            if self._playback.tape.tools is None and self._workplace is not None:
                await self._workplace.open()
        request = self._request(self._offered_tools(), self._live_settings())
        sent = self._sendable(request)
        model = self._world.model
        parameters = model.parameters(request)
        event = self._requests.describe(request, parameters, self._conversation.digest(request, parameters))
        authorized = self._spending.authorize(request, model.source, self._runtime_cost())
        self._record(replace(event, worst_case_usd=authorized.worst_case))
        reply, cost = await paid_reply(model, sent, self._spending, authorized, self._live.feed, self._tell_retry)
        self._live.flush()
        record_reply(self._record, reply, self._captured, cost)
        if after(reply).next is Next.ANSWERED and not is_documented(reply.stop_reason):
            self._record(Notice("model", f"unknown stop reason {reply.stop_reason!r}, taken as the end of the turn"))
        return reply

    def _live_settings(self) -> ModelSettings:
        """The model's settings for the next live request.

        A model whose thinking is `enabled` accepts a tool result only if the reply before it begins with its thinking.
        Where a replay has to leave that out, the model goes on without thinking until it has answered.
        """
        settings = self._definition.model
        if self._playback is None or settings.thinking.type != "enabled":
            return settings
        if not lacks_thinking(self._conversation.messages):
            return settings
        if not self._thoughtless_told:
            self._thoughtless_told = True
            text = "the tape's thinking cannot be sent again: the model goes on without thinking until it has answered"
            self._record(Notice("replay", text, "warning"))
        return replace(settings, thinking=Thinking("disabled"))

    def _sendable(self, request: Request) -> Request:
        """The request without what of its history was not captured."""
        if self._playback is None:
            return request
        try:
            return replace(request, messages=sendable(request.messages))
        except NotCapturedError:
            raise RunStoppedError(
                "divergence",
                "The parent ran with observability.capture_tool_calls: false, so its tape does not hold what its tools "
                "were asked and gave. Without it the model cannot be asked to go on from there; fork at step 1.",
            ) from None

    def _begin_living(self) -> None:
        """From now on the run takes time that is billed."""
        if self._living_since is None:
            self._living_since = self._record.offset

    def _show_live(self, delta: Delta) -> None:
        self._world.show(LiveText(self._order.run_id, self._record.step, delta.kind, delta.text))

    def _tell_retry(self, retry: Retry) -> None:
        wait = f" in {retry.delay:.1f} s" if retry.delay is not None else ""
        self._record(Notice("retry", f"{retry.reason}; try {retry.attempt + 1}{wait}", "warning"))

    def _started(self) -> RunStarted:
        model = self._world.model
        return RunStarted(
            agent=self._definition.name,
            digest=self._definition.digest,
            definition=self._definition.document,
            trigger=self._order.trigger,
            input=self._input,
            model=self._definition.model.id,
            model_source=model.source,
            endpoint=model.endpoint,
            budget_usd=self._definition.budget_usd,
            captured=self._captured,
            parent_run_id=self._order.parent_run_id,
            fork_step=self._order.fork_step,
            fork_call=self._order.fork_call,
            replay=self._order.replay,
        )

    def _completed(self, reply: Reply, steps: int) -> RunCompleted:
        end = RunCompleted(
            output=text_of(reply.content),
            stop_reason=reply.stop_reason or "end_turn",
            steps=steps,
            usage=self._spending.usage,
            costs=self._costs(),
            duration=round(self._record.offset, 6),
            snapshot=self._snapshot,
        )
        self._cancellable = False
        self._record(end, last=True)
        return end

    def _failed(self, failure: Failure) -> RunFailed:
        end = RunFailed(
            error=failure.error,
            message=failure.message,
            state=FailureState(self._record.step, self._record.last_seq, self._snapshot),
            steps=self._record.step,
            usage=self._spending.usage,
            costs=self._costs(),
            duration=round(self._record.offset, 6),
            details=failure.details,
            stack_trace=failure.stack_trace,
        )
        self._cancellable = False
        self._record(end, last=True)
        return end

    @property
    def _snapshot(self) -> str | None:
        return self._workplace.snapshot if self._workplace is not None else None

    def _runtime_seconds(self) -> Decimal:
        """From the first thing that was not the tape's to now.

        Time before the container is up, and time that the user took to answer questions, is not counted.
        """
        if self._living_since is None:
            return Decimal(0)
        begin = self._living_since
        started = self._workplace.container_started if self._workplace is not None else None
        if started is not None:
            begin = max(begin, (started - self._began).total_seconds())
        seconds = self._record.offset - begin - self._permissions.waited
        return max(Decimal(0), Decimal(str(seconds)).quantize(_MILLISECOND))

    def _runtime_cost(self) -> Decimal:
        return self._world.prices.runtime_cost(self._runtime_seconds())

    def _costs(self) -> Costs:
        seconds = self._runtime_seconds()
        runtime = self._world.prices.runtime_cost(seconds)
        model = self._spending.model_cost
        return Costs(model, runtime, None if model is None else model + runtime, seconds)


def _bound_content(reply: Reply, played: PlayedTurn | None) -> Sequence[JsonObject]:
    """The reply as later requests carry it. Thinking is bound to what was said before: where that changed, it goes."""
    if played is None or played.faithful:
        return reply.content
    return without_thinkingblocks_of(reply.content)


def _texts(*texts: str | None) -> list[JsonObject]:
    return [{"type": "text", "text": text} for text in texts if text is not None]
