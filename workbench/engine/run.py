"""One run: an agent answers one input, from `run_started` to `run_completed` or `run_failed`."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from workbench.definition.agent import AgentDefinition
from workbench.definition.references import UnsetVariableError
from workbench.engine.calls import ToolCalls, sandbox_notice
from workbench.engine.capture import captured_content
from workbench.engine.conversation import Conversation, RequestLog
from workbench.engine.limits import Authorized, Spending
from workbench.engine.live import LiveRedactor
from workbench.engine.recorder import Recorder, redacted
from workbench.engine.stops import Next, RunStoppedError, after, is_documented, text_of
from workbench.engine.world import LiveText, Workplace, World
from workbench.jsontypes import JsonObject
from workbench.model.capabilities import default_max_tokens
from workbench.model.conversation import Delta, ModelError, Reply, Request, Retry
from workbench.sandbox.sandbox import SandboxError
from workbench.tools.toolbox import ToolboxError
from workbench.trace.digest import digest
from workbench.trace.events import (
    Captured,
    Costs,
    FailureState,
    Message,
    ModelResponse,
    Notice,
    Reasoning,
    RunCompleted,
    RunFailed,
    RunStarted,
    ToolCall,
    ToolResult,
    Trigger,
)

RunEnd = RunCompleted | RunFailed

_MILLISECOND = Decimal("0.001")
_UNBILLED_KINDS = frozenset({"connection", "authentication", "unsupported_setting"})


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run: the id that the run gets, its input and what caused it."""

    run_id: str
    input: str
    trigger: Trigger = field(default_factory=Trigger)
    parent_run_id: str | None = None
    fork_step: int | None = None


class Run:
    """A run in progress. `execute` does all of it; `cancel` may be called meanwhile from the same event loop."""

    def __init__(self, definition: AgentDefinition, order: Order, world: World) -> None:
        self._definition = definition
        self._order = order
        self._world = world
        self._input = world.redactor.text(order.input)
        self._captured = Captured(
            definition.observability.capture_tool_calls, definition.observability.capture_reasoning
        )
        self._record = Recorder(order.run_id, world.clock, world.redactor, world.record)
        self._spending = Spending(
            order.run_id, definition.budget_usd, world.prices, world.fuse, world.clock, self._record.notice
        )
        self._live = LiveRedactor(world.redactor, self._show_live)
        self._conversation = Conversation()
        self._requests = RequestLog(self._captured)
        self._container_started: datetime | None = None
        self._began = world.clock.now()
        self._snapshot: str | None = None
        self._work: asyncio.Task[RunEnd] | None = None
        self._cancel_reason = "cancelled"

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._order.run_id

    def cancel(self, reason: str = "cancelled") -> None:
        """Stop the run; it ends in `run_failed` with `reason` (cancelled or interrupted) as the error."""
        self._cancel_reason = reason
        if self._work is not None:
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
            self._work.cancel()
            await asyncio.wait([self._work])
            raise

    async def _to_the_end(self) -> RunEnd:
        try:
            async with asyncio.timeout(self._definition.timeout) as deadline:
                return await self._in_workplace()
        except asyncio.CancelledError:
            return self._failed(self._cancel_reason, "The run was stopped before it had an answer.")
        except TimeoutError:
            if not deadline.expired():
                raise
            return self._failed(
                "timeout",
                f"The run took longer than its timeout of {self._definition.timeout:g} s. "
                "Raise timeout in agent.yaml, or make the task smaller.",
            )
        except RunStoppedError as stopped:
            return self._failed(stopped.error, str(stopped), details=stopped.details)
        except ModelError as error:
            details: JsonObject = {
                "kind": error.kind,
                "status": error.status,
                "request_id": error.request_id,
                "details": error.details,
            }
            return self._failed("model_error", str(error), details=details)
        except SandboxError as error:
            return self._failed("sandbox", str(error))
        except ToolboxError as error:
            return self._failed("tools", str(error), details={"server": error.server})
        except UnsetVariableError as error:
            return self._failed("definition", f"{error}; agent.yaml refers to it. Set it and run again.")
        except Exception as error:
            return self._failed("internal", f"{type(error).__name__}: {error}", stack_trace=traceback.format_exc())

    async def _in_workplace(self) -> RunEnd:
        async with self._world.workplace(self._definition, self._record.notice) as workplace:
            calls = ToolCalls(workplace, self._record, self._world.redactor, self._captured)
            if workplace.sandbox is not None:
                self._container_started = workplace.sandbox.started_at
                workplace.sandbox.on_egress(self._record)
                self._record(sandbox_notice(workplace))
            try:
                await calls.first_snapshot()
                reply, steps = await self._turns(workplace, calls)
            except BaseException:
                self._snapshot = calls.snapshot
                if workplace.sandbox is not None and workplace.sandbox.lost is None:
                    await workplace.sandbox.stop_tools()
                raise
            finally:
                if workplace.sandbox is not None:  # after its end event the trace takes no more
                    await workplace.sandbox.end_egress()
            self._snapshot = calls.snapshot
            return self._completed(reply, steps)

    async def _turns(self, workplace: Workplace, calls: ToolCalls) -> tuple[Reply, int]:
        self._conversation.user([{"type": "text", "text": self._input}])
        for step in range(1, self._definition.max_iterations + 1):
            self._record.step = step
            reply = await self._ask(self._request(workplace))
            self._conversation.assistant(reply.content)
            following = after(reply)
            if following.next is Next.ANSWERED:
                if not is_documented(reply.stop_reason):
                    self._record(
                        Notice("model", f"unknown stop reason {reply.stop_reason!r}, taken as the end of the turn")
                    )
                return reply, step
            if following.next is Next.CALL_TOOLS:
                self._conversation.user(await calls.make(following.calls))
        raise RunStoppedError(
            "max_iterations",
            f"The model wanted to go on after {self._definition.max_iterations} turns. "
            "Raise max_iterations in agent.yaml, or make the task smaller.",
        )

    def _request(self, workplace: Workplace) -> Request:
        settings = self._definition.model
        return Request(
            settings=settings,
            max_tokens=settings.max_tokens or default_max_tokens(settings.id, thinking=settings.thinking),
            system=[{"type": "text", "text": self._definition.system_prompt}],
            messages=list(self._conversation.messages),
            tools=redacted(workplace.toolbox.parameters, self._world.redactor),
        )

    async def _ask(self, request: Request) -> Reply:
        model = self._world.model
        parameters = model.parameters(request)
        event = self._requests.describe(request, parameters, self._conversation.digest(request, parameters))
        authorized = self._spending.authorize(request, model.source, self._runtime_cost())
        self._record(replace(event, worst_case_usd=authorized.worst_case))
        try:
            reply = await model.respond(request, self._live.feed, self._tell_retry)
            self._live.flush()
        except ModelError as error:
            self._spending.release(authorized, billed=error.status is None and error.kind not in _UNBILLED_KINDS)
            raise
        except BaseException:
            self._spending.release(authorized, billed=True)
            raise
        self._record_reply(request, reply, authorized)
        return reply

    def _record_reply(self, request: Request, reply: Reply, authorized: Authorized) -> None:
        cost = self._spending.settle(authorized, request.settings.id, reply)
        self._record(
            ModelResponse(
                model=reply.model,
                content=captured_content(reply.content, self._captured),
                stop_reason=reply.stop_reason,
                usage=reply.usage,
                cost_usd=cost,
                duration=reply.duration,
                time_to_first_token=reply.time_to_first_token,
                request_id=reply.request_id,
                message_id=reply.message_id,
                stop_details=reply.stop_details,
                origin=reply.origin,
            )
        )
        for block in reply.content:
            self._record_block(block, reply)

    def _record_block(self, block: JsonObject, reply: Reply) -> None:
        kind = str(block.get("type"))
        if kind in {"thinking", "redacted_thinking"}:
            text = block.get("thinking") if self._captured.reasoning else None
            self._record(Reasoning(str(text) if text else None, reply.thinking_duration, reply.origin))
        elif kind == "text" and block.get("text"):
            self._record(Message(str(block["text"]), reply.origin))
        elif kind == "server_tool_use":
            self._record(_vendor_call(block, self._captured))
        elif kind.endswith("_tool_result"):
            self._record(_vendor_result(block, self._captured, reply))

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
        self._record(end, last=True)
        return end

    def _failed(self, error: str, message: str, *, details: object = None, stack_trace: str | None = None) -> RunFailed:
        end = RunFailed(
            error=error,
            message=message,
            state=FailureState(self._record.step, self._record.last_seq, self._snapshot),
            steps=self._record.step,
            usage=self._spending.usage,
            costs=self._costs(),
            duration=round(self._record.offset, 6),
            details=details,  # type: ignore[arg-type]  # what the errors above carry is JSON
            stack_trace=stack_trace,
        )
        self._record(end, last=True)
        return end

    def _runtime_seconds(self) -> Decimal:
        """From the container's start, or the run's if it found a warm one or needs none, to now."""
        waited = 0.0
        if self._container_started is not None:
            waited = max(0.0, (self._container_started - self._began).total_seconds())
        return max(Decimal(0), Decimal(str(self._record.offset - waited)).quantize(_MILLISECOND))

    def _runtime_cost(self) -> Decimal:
        return self._world.prices.runtime_cost(self._runtime_seconds())

    def _costs(self) -> Costs:
        seconds = self._runtime_seconds()
        runtime = self._world.prices.runtime_cost(seconds)
        model = self._spending.model_cost
        return Costs(model, runtime, None if model is None else model + runtime, seconds)


def _vendor_call(block: JsonObject, captured: Captured) -> ToolCall:
    arguments = block.get("input")
    arguments = arguments if isinstance(arguments, dict) else {}
    name = str(block.get("name"))
    return ToolCall(
        call_id=str(block.get("id")),
        index=1,
        tool=name,
        server="vendor",
        arguments=arguments if captured.tool_calls else None,
        arguments_bytes=len(str(arguments)),
        digest=digest({"tool": name, "arguments": arguments}),
    )


def _vendor_result(block: JsonObject, captured: Captured, reply: Reply) -> ToolResult:
    content = block.get("content")
    failed = isinstance(content, dict) and "error_code" in content
    blocks: Sequence[JsonObject] = [content] if isinstance(content, dict) else list(content or [])  # type: ignore[arg-type]
    return ToolResult(
        call_id=str(block.get("tool_use_id")),
        tool=str(block.get("type", "")).removesuffix("_tool_result"),
        server="vendor",
        content=blocks if captured.tool_calls else None,
        content_bytes=len(str(content)),
        is_error=failed,
        latency=0.0,
        digest=digest({"content": list(blocks), "is_error": failed}),
        origin=reply.origin,
    )
