import { fileURLToPath } from 'node:url';
import { Controller, Get, Inject, Injectable, Module, Param, type Type } from '@nestjs/common';
import { EmitEvent, EventTrackingModule, TrackContext, Tracker } from 'nestjs-event-tracking';
import { describe, expect, it } from 'vitest';
import { ADAPTERS, listen, Recorder } from './support/http-application.js';
import { ROOT } from './support/root.js';
import { runNode } from './support/run-node.js';

@Injectable()
class Other {
  url = '';
}

@Controller()
class RelayController {
  constructor(
    private readonly tracker: Tracker,
    private readonly other: Other,
    @Inject('NAME') private readonly name: string,
  ) {}

  @Get('relay/:id')
  @TrackContext('relay', ({ args: [id] }) => ({ relayed: id as string }))
  @EmitEvent('relay.done')
  async relay(@Param('id') id: string): Promise<string> {
    this.tracker.emit('relay.started');
    const answer = await (
      await fetch(`${this.other.url}/answer/${id}`, { headers: { 'x-request-id': `inner-${id}` } })
    ).text();
    this.tracker.emit('relay.answered');
    return answer;
  }

  @Get('answer/:id')
  @EmitEvent('answer.done')
  answer(@Param('id') id: string): string {
    this.tracker.enterContext('answer', { answered: id });
    return `${this.name} ${id}`;
  }
}

function appOf(name: string, recorder: Recorder): Type {
  @Module({
    imports: [
      EventTrackingModule.forRoot({
        backends: { recorder },
        context: {
          request: ({ headers }: { headers: Record<string, string> }) => ({
            request_id: headers['x-request-id'],
          }),
        },
      }),
    ],
    controllers: [RelayController],
    providers: [Other, { provide: 'NAME', useValue: name }],
  })
  class AppModule {}
  return AppModule;
}

describe.each(ADAPTERS)('Two applications in one process, on %s,', (adapter) => {
  it('do not share events and contexts when one sends requests to the other', async () => {
    const [left, right] = [new Recorder(), new Recorder()];
    await using one = await listen(adapter, appOf('one', left));
    await using two = await listen(adapter, appOf('two', right));
    one.app.get(Tracker).enterContext('process', { application: 'one' });
    two.app.get(Tracker).enterContext('process', { application: 'two' });
    one.app.get(Other).url = two.url;
    const ids = Array.from({ length: 20 }, (_, id) => String(id));
    const answers = await Promise.all(
      ids.map(async (id) =>
        (
          await fetch(`${one.url}/relay/${id}`, { headers: { 'x-request-id': `outer-${id}` } })
        ).text(),
      ),
    );
    expect(answers).toEqual(ids.map((id) => `two ${id}`));
    for (const id of ids) {
      const outer = { application: 'one', request_id: `outer-${id}`, relayed: id };
      expect(
        left.ofRequest(`outer-${id}`).map(({ name, context }) => ({ [name]: context })),
      ).toEqual([{ 'relay.started': outer }, { 'relay.answered': outer }, { 'relay.done': outer }]);
      expect(
        right.ofRequest(`inner-${id}`).map(({ name, context }) => ({ [name]: context })),
      ).toEqual([
        { 'answer.done': { application: 'two', request_id: `inner-${id}`, answered: id } },
      ]);
    }
    expect([left.events.length, right.events.length]).toEqual([60, 20]);
  });

  it('do not share contexts when their scopes are nested', async () => {
    const [left, right] = [new Recorder(), new Recorder()];
    await using one = await listen(adapter, appOf('one', left));
    await using two = await listen(adapter, appOf('two', right));
    const [first, second] = [one.app.get(Tracker), two.app.get(Tracker)];
    first.context('first', { first: 1 }, () => {
      second.context('second', { second: 2 }, () => {
        first.context('inner', { inner: 3 }, () => {
          first.emit('event');
          second.emit('event');
        });
      });
    });
    expect(left.only('event').context).toEqual({ first: 1, inner: 3 });
    expect(right.only('event').context).toEqual({ second: 2 });
  });
});

/** Keeps compiled code and type feedback, which grow even with bare Nest, out of the measurement. */
const MEASURED = ['--expose-gc', '--no-opt', '--no-lazy-feedback-allocation'];

describe('1,000 applications, created and closed in sequence,', () => {
  it(
    'leave no memory, listeners, timers or registrations behind',
    { timeout: 120_000 },
    async () => {
      const script = fileURLToPath(new URL('./support/thousand-applications.mjs', import.meta.url));
      const { code, output } = await runNode([...MEASURED, script, '1000'], { cwd: ROOT });
      expect({ code, output }).toMatchObject({ code: 0 });
      const { grown, listenersBefore, listenersAfter, timers, registered } = JSON.parse(output) as {
        grown: number;
        listenersBefore: object;
        listenersAfter: object;
        timers: string[];
        registered: string[];
      };
      expect(listenersAfter).toEqual(listenersBefore);
      expect(timers).toEqual([]);
      expect(registered).toEqual([]);
      expect(grown).toBeLessThan(1024 * 1024);
    },
  );
});
