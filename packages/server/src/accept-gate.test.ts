import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Listener } from '@dunlin/transport';
import { AcceptGate } from './accept-gate.ts';

class FakeListener implements Listener {
  readonly address = '127.0.0.1:1';
  readonly port = 1;
  paused = false;
  readonly onResume: () => void;

  constructor(onResume: () => void = () => {}) {
    this.onResume = onResume;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.onResume();
  }

  async close(): Promise<void> {}
}

function bench(connectionsMax: number) {
  const state = { connections: 0, told: [] as string[], look: undefined as (() => void) | undefined };
  const gate = new AcceptGate({
    clock: {
      nowMs: () => 0,
      steadyMs: () => 0,
      every(_delayMs, run) {
        state.look = run;
        return {
          cancel() {
            state.look = undefined;
          },
        };
      },
      endOfTurn: (run) => run(),
    },
    connectionsMax,
    connections: () => state.connections,
    paused: (connections) => state.told.push(`paused ${connections}`),
    resumed: (connections) => state.told.push(`resumed ${connections}`),
  });
  const letIn = (): void => {
    state.connections++;
    gate.letIn();
  };
  return { gate, state, letIn };
}

test('pauses every listener when the last place is taken and resumes when one is free', () => {
  const { gate, state, letIn } = bench(2);
  const listeners = [new FakeListener(), new FakeListener()];
  for (const listener of listeners) gate.add(listener);
  letIn();
  assert.equal(gate.isPaused, false);
  letIn();
  assert.deepEqual(
    listeners.map(({ paused }) => paused),
    [true, true],
  );
  state.look?.();
  assert.equal(gate.isPaused, true);
  state.connections = 1;
  state.look?.();
  assert.deepEqual(
    listeners.map(({ paused }) => paused),
    [false, false],
  );
  assert.deepEqual(state.told, ['paused 2', 'resumed 1']);
  assert.equal(state.look, undefined);
});

test('stays paused where those that waited take the last place again', () => {
  const { gate, state, letIn } = bench(1);
  const first = new FakeListener(letIn);
  const second = new FakeListener(letIn);
  gate.add(first);
  gate.add(second);
  letIn();
  state.connections = 0;
  state.look?.();
  assert.equal(state.connections, 1);
  assert.deepEqual([first.paused, second.paused], [true, true]);
  assert.deepEqual(state.told, ['paused 1', 'resumed 0', 'paused 1']);
});

test('pauses a listener that comes while it is paused, and looks no more when it is closed', () => {
  const { gate, state, letIn } = bench(1);
  letIn();
  const late = new FakeListener();
  gate.add(late);
  assert.equal(late.paused, true);
  gate.close();
  assert.equal(state.look, undefined);
});
