/** One run of the broker, from its start until it stops or its process ends, and what is counted of it from outside. */
import { Broker, type BrokerOptions, type Write } from '@dunlin/broker';
import { ProcessClock } from '../simulation-harness/process-clock.ts';
import type { VirtualTime } from '../simulation-harness/virtual-time.ts';
import type { BrokerJudge } from './invariants.ts';
import type { Observer } from './observer.ts';

export class BrokerProcess {
  readonly broker: Broker;
  /** Of the connections it was given. */
  readonly observers: Observer[] = [];
  /** Writes that no commit has answered for. */
  readonly uncommitted = new Set<Write>();
  /** The connection whose packets the broker handles now. */
  current: Observer | undefined;
  packetsHandled = 0;
  isOver = false;
  readonly #clock: ProcessClock;
  readonly #judge: BrokerJudge;

  constructor(time: VirtualTime, judge: BrokerJudge, options: Omit<BrokerOptions, 'clock'>) {
    this.#clock = new ProcessClock(time);
    this.#judge = judge;
    this.broker = new Broker({ ...options, clock: this.#clock });
    this.#watchSteps();
    this.#watchWrites();
  }

  /** The process ends without a word: its memory and all that it waited for are gone. */
  end(): void {
    this.isOver = true;
    this.#clock.end();
  }

  /** The broker counts each packet just before it handles it: that keeps the oracle in step with it. */
  #watchSteps(): void {
    let count = 0;
    Object.defineProperty(this.broker.metrics, 'packetsReceived', {
      get: () => count,
      set: (value: number) => {
        count = value;
        if (this.current === undefined) this.#judge.broken('metrics', 'a packet is handled out of turn');
        else this.current.step();
        this.packetsHandled += 1;
      },
    });
  }

  #watchWrites(): void {
    const { commits } = this.broker;
    const write = commits.write.bind(commits);
    const takeBack = commits.takeBack.bind(commits);
    let gathering = { ticket: 0, changes: [] as Write[] };
    commits.write = (change) => {
      this.uncommitted.add(change);
      this.current?.writes.push(change);
      const ticket = write(change);
      if (gathering.ticket !== ticket) gathering = { ticket, changes: [] };
      gathering.changes.push(change);
      return ticket;
    };
    // A write that is taken back is as good as committed: what it was for is over.
    commits.takeBack = (ticket, place) => {
      if (!takeBack(ticket, place)) return false;
      this.uncommitted.delete(gathering.changes[place]);
      return true;
    };
  }
}
